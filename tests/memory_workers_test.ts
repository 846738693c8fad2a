// SPDX-License-Identifier: Apache-2.0
// The stack in the memory of the process, with several Workers.
import { assert, assertEquals, assertFalse } from "@std/assert";
import { test } from "node:test";
import { ARENA_BYTES_MIN } from "../src/transport/memory_arena.ts";
import { MemoryTransport } from "../src/transport/memory_transport.ts";
import { RING_DATA } from "../src/transport/transport.ts";
import { announced, epochOf, isEmpty, NAME, NO_ORIGIN, OTHER, raiseFlag, takeAll } from "./memory/rings.ts";
import { MemoryWorker } from "./memory/start.ts";
import { WORKER_KINDS } from "./workers/start.ts";

/** Room for three rings of 16 slots. */
const BYTES = ARENA_BYTES_MIN;

for (const kind of WORKER_KINDS) {
  test(`${kind}: finds the rings of others, reads a closed one, and is woken by them`, async () => {
    const transport = MemoryTransport.create({ bytes: BYTES });
    await using worker = new MemoryWorker(kind);
    assertEquals(await worker.ask({ kind: "attach", handle: transport.handle }), transport.name);
    assertEquals(await worker.ask({ kind: "find", name: NAME }), "looking");
    worker.post({ kind: "take" });
    const ring = announced(transport);
    const [epochLow, epochHigh] = epochOf(ring);
    assertEquals(await worker.message(), { epochLow, epochHigh, origin: NO_ORIGIN });
    for (const how of ["wait", "park", "wait"] as const) {
      assertEquals(await worker.ask({ kind: how }), how === "wait" ? "waiting" : "parked");
      ring.wake(RING_DATA);
      assertEquals(await worker.message(), "woken");
    }
    assertEquals(await worker.ask({ kind: "close", what: "ring" }), "closed");
    ring.close();
    const second = announced(transport);
    second.close();
    // The first is owed to a finder until it is asked for the next, the second until it was taken and closed.
    assertFalse(isEmpty(transport));
    assertEquals(await worker.ask({ kind: "takeAll" }), 1);
    assertEquals(await worker.ask({ kind: "close", what: "ring" }), "closed");
    assert(isEmpty(transport));
    assertEquals(await worker.ask({ kind: "close", what: "transport" }), "closed");
    assertEquals(transport.ports(), []);
    transport.close();
  });

  test(`${kind}: broadcasts a ring that is found here, and wakes who is parked here, every time`, async () => {
    const transport = MemoryTransport.create({ bytes: BYTES });
    await using worker = new MemoryWorker(kind);
    await worker.ask({ kind: "attach", handle: transport.handle });
    const finder = transport.findRings(NAME);
    const found = new Promise<void>((resolve) => finder.park(resolve));
    const epoch = await worker.ask<[number, number]>({ kind: "broadcast", name: NAME });
    await found;
    assertEquals(takeAll(finder), [epoch]);
    const ring = transport.attachRing(...epoch);
    const count = 300;
    worker.post({ kind: "wakeOften", count });
    for (let woken = 0; woken < count; woken++) {
      const flagged = raiseFlag(ring);
      if (woken % 2 === 0) ring.wait(RING_DATA, flagged, Infinity);
      else await new Promise<void>((resolve) => ring.park(RING_DATA, flagged, resolve));
    }
    assertEquals(await worker.message(), "done");
    assert(ring.writerAlive());
    await worker.ask({ kind: "close", what: "ring" });
    assertFalse(ring.writerAlive());
    transport.close();
  });

  test(`${kind}: one that is terminated while it sleeps holds up nobody else`, async () => {
    const transport = MemoryTransport.create({ bytes: BYTES });
    const ring = announced(transport);
    const finder = transport.findRings(OTHER);
    let survivor: MemoryWorker | undefined;
    for (const how of ["wait", "park", "wait", "park", "park"] as const) {
      const worker = new MemoryWorker(kind);
      await worker.ask({ kind: "attach", handle: transport.handle });
      await worker.ask({ kind: "find", name: NAME });
      await worker.ask({ kind: "take" });
      await worker.ask({ kind: how });
      if (survivor === undefined) survivor = worker;
      else await worker[Symbol.asyncDispose]();
    }
    const here = new Promise<void>((resolve) => ring.park(RING_DATA, raiseFlag(ring), resolve));
    ring.wake(RING_DATA);
    await here;
    assertEquals(await survivor!.message(), "woken");
    const found = new Promise<void>((resolve) => finder.park(resolve));
    announced(transport, OTHER);
    await found;
    await survivor![Symbol.asyncDispose]();
    transport.close();
  });

  test(`${kind}: several make and close rings at once, and none gets the memory of another`, async () => {
    const transport = MemoryTransport.create({ bytes: 8 * BYTES });
    const workers = [1, 2, 3].map(() => new MemoryWorker(kind));
    for (const worker of workers) await worker.ask({ kind: "attach", handle: transport.handle });
    for (const [index, worker] of workers.entries()) worker.post({ kind: "churn", rounds: 200, seed: index + 1 });
    for (const worker of workers) assertEquals(await worker.message(), { strange: 0 });
    assertEquals(transport.ports(), []);
    for (const worker of workers) await worker[Symbol.asyncDispose]();
    transport.close();
  });
}
