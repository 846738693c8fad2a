// SPDX-License-Identifier: Apache-2.0
// Workers: the module imported in several of them shares the one runtime of the process, and what belongs to one stays there.
import { readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { assert, assertEquals, assertFalse, assertGreater, assertRejects, assertThrows } from "@std/assert";
import {
  ArgumentError,
  type Block,
  BroadcastConfig,
  DataBroadcaster,
  DataSubscriber,
  MarketDataType,
  OptionsDifferError,
  Runtime,
  type RuntimeOptions,
} from "../mod.ts";
import { RouDi } from "./support/roudi.ts";
import { delay, waitFor } from "./support/wait.ts";
import { TestWorker, WORKER_KINDS } from "./workers/start.ts";
import type { LeaveWay } from "./workers/worker.ts";

const LANES = ["auto", "queue"] as const;
/** Enough for two lossless queues and the blocks that their readers have taken. */
const POOL_BLOCKS = 1100;

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start({ blocks: POOL_BLOCKS })));
after(() => roudi.stop());

let streams = 0;
const newStream = (): string => `workers_${++streams}`;

/** Broadcasts blocks whose first four bytes are their number; waits for room without blocking the event loop. */
async function broadcast(out: DataBroadcaster, count: number): Promise<void> {
  const data = new Uint8Array(8);
  const view = new DataView(data.buffer);
  for (let sent = 0; sent < count; sent++) {
    view.setUint32(0, sent, true);
    while (!out.broadcast(data, 1, MarketDataType.Unknown)) assert(await out.waitForRoom(30_000), "nobody reads");
  }
}

/** Rings that have names in shared memory. */
const ringFiles = (): string[] => readdirSync("/dev/shm").filter((name) => name.startsWith("qaultra-ring-"));

/** Memory of rings that this process has mapped. */
const ringMappings = (): number => readFileSync("/proc/self/maps", "utf8").match(/\/dev\/shm\/qaultra-/g)?.length ?? 0;

const sumTo = (count: number): number => count * (count - 1) / 2;

/** Opens a runtime with other options than before, as soon as the Workers of earlier tests are gone. */
function openAnew(options: RuntimeOptions): Promise<Runtime> {
  return waitFor(() => {
    try {
      return Runtime.open(options);
    } catch (error) {
      if (error instanceof OptionsDifferError) return null;
      throw error;
    }
  }, { what: "the end of the other runtime" });
}

for (const [kind, lane] of WORKER_KINDS.flatMap((kind) => LANES.map((lane) => [kind, lane] as const))) {
  const lossless = new BroadcastConfig({ lane, delivery: "lossless" });
  const lossy = new BroadcastConfig({ lane });

  test(`${kind}, lane ${lane}: several share the runtime of the process and each gets every block`, async () => {
    using runtime = await openAnew({});
    const stream = newStream();
    using out = new DataBroadcaster(lossless, stream, { runtime });
    using own = new DataSubscriber(lossless, stream, { runtime });
    const count = 3000;
    const workers = [true, false, true].map((blocking) =>
      new TestWorker(kind, { kind: "read", lane, stream, count, blocking })
    );
    for (const worker of workers) assertEquals(await worker.message(), { ready: runtime.name });
    // One port, or place in the ring, a Worker, and that of this thread.
    await waitFor(() => out.getSubscriberCount() === 4);
    let sum = 0;
    let got = 0;
    const reading = (async () => {
      for await (const block of own) {
        sum += new DataView(block.data.buffer, block.data.byteOffset).getUint32(0, true);
        if (++got === count) break;
      }
    })();
    await broadcast(out, count);
    for (const worker of workers) {
      assertEquals(await worker.message(), { got: count, sum: sumTo(count), missed: 0 });
    }
    await reading;
    assertEquals([got, sum], [count, sumTo(count)]);
    await waitFor(() => out.getSubscriberCount() === 1);
    for (const worker of workers) await worker.terminate();
    assertEquals(runtime.state, "attached");
  });

  test(`${kind}, lane ${lane}: several broadcast at once, told apart by epoch, and read by a Worker and here`, async () => {
    using runtime = await openAnew({});
    const stream = newStream();
    using feed = new DataSubscriber(lossless, stream, { runtime });
    const count = 2000;
    await using reader = new TestWorker(kind, { kind: "read", lane, stream, count: count * 3, blocking: false });
    await reader.message();
    const workers = [1, 2, 3].map(() => new TestWorker(kind, { kind: "broadcast", lane, stream, count }));
    const next = new Map<bigint, number>();
    const handle = (block: Block): void => {
      const expected = next.get(block.epoch) ?? 0;
      assertEquals(block.sequence, expected);
      assertEquals(new DataView(block.data.buffer, block.data.byteOffset).getUint32(0, true), expected);
      next.set(block.epoch, expected + 1);
    };
    for (const worker of workers) assertEquals(await worker.message(), { ready: runtime.name });
    while (feed.getReceiveStats().receivedBlocks < count * 3) {
      feed.poll(handle);
      await delay(0);
    }
    const epochs = new Set<bigint>();
    for (const worker of workers) {
      const { sent, epoch } = await worker.message<{ sent: number; epoch: bigint }>();
      assertEquals(sent, count);
      epochs.add(epoch);
    }
    assertEquals([epochs.size, feed.getReceiveStats().missedBlocks], [3, 0]);
    assertEquals(next, new Map([...next.keys()].map((epoch) => [epoch, count])));
    for (const epoch of epochs) assertEquals(next.get(epoch), count);
    assertEquals(await reader.message(), { got: count * 3, sum: 3 * sumTo(count), missed: 0 });
    for (const worker of workers) await worker.terminate();
  });

  for (const way of ["return", "throw", "exit", "wait"] as const satisfies LeaveWay[]) {
    test(`${kind}, lane ${lane}: one that ends by ${way === "wait" ? "terminate" : way} without closing leaves no port, no ring, no block and no memory`, async () => {
      using runtime = await openAnew({});
      const stream = newStream();
      using out = new DataBroadcaster(lossy, stream, { runtime });
      const mapped = ringMappings();
      // Together they take more blocks than the pool or the ring has.
      const held = 250;
      for (let round = 0; round < 5; round++) {
        await using worker = new TestWorker(kind, { kind: "leave", lane, stream, blocks: held, way });
        assertEquals(await worker.message(), { ready: runtime.name });
        await waitFor(() => out.getSubscriberCount() === 1);
        await broadcast(out, held);
        assertEquals(await worker.message(), { held });
        if (way === "return" || way === "wait") await worker.terminate();
        await waitFor(() => out.getSubscriberCount() === 0, { what: "the end of the Worker's port" });
        await waitFor(() => runtime.streams().every((info) => info.stream !== `${stream}_of_worker`));
        await waitFor(() => ringFiles().length === (lane === "queue" ? 0 : 1), {
          what: "the end of the Worker's ring",
        });
      }
      assertGreater(held * 5, POOL_BLOCKS);
      await waitFor(() => ringMappings() === mapped, { what: "the end of the mappings of rings" });
      using feed = new DataSubscriber(lossy, stream, { runtime });
      await broadcast(out, 200);
      assertEquals(feed.poll(() => {}), 200);
      assertEquals(out.getStats().refusedBlocks, 0);
    });
  }
}

for (const kind of WORKER_KINDS) {
  test(`${kind}: equal options give one more handle, others an error, and the last handle disconnects`, async () => {
    const name = `workers_${kind === "Web Worker" ? "web" : "threads"}`;
    const runtime = await openAnew({ name });
    await using worker = new TestWorker(kind, { kind: "open", options: { name } });
    assertEquals(await worker.message(), { name });
    await using other = new TestWorker(kind, { kind: "open", options: { name: "another" } });
    assertEquals(await other.message(), { code: "QIPC_OPTIONS_DIFFER" });
    other.post({ kind: "open", options: { name, timeoutMs: 2000 } });
    assertEquals(await other.message(), { code: "QIPC_OPTIONS_DIFFER" });
    // This thread's handle goes, the Worker's stays: the process is still connected with these options.
    runtime.close();
    assertThrows(() => Runtime.open({ name: "another" }), OptionsDifferError);
    const again = Runtime.open({ name });
    assertEquals([again.name, again.state], [name, "attached"]);
    again.close();
    worker.post("end");
    assertEquals(await worker.message(), "ended");
    using fresh = await openAnew({ name: "another" });
    assertEquals(fresh.name, "another");
  });
}

test("a copy of an object that another Worker would get is no such object", async () => {
  using runtime = await openAnew({});
  const stream = newStream();
  const config = new BroadcastConfig();
  using out = new DataBroadcaster(config, stream, { runtime });
  using feed = new DataSubscriber(config, stream, { runtime });
  out.broadcast(new Uint8Array(8), 1, MarketDataType.Unknown);
  using block = feed.receiveBlock()!;
  using loan = out.loan()!;
  for (const object of [runtime, out, feed, block, loan]) {
    let copy: unknown;
    try {
      copy = structuredClone(object);
    } catch {
      continue;
    }
    assertFalse(copy instanceof object.constructor);
    const { prototype } = object.constructor;
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const { get, value } = Object.getOwnPropertyDescriptor(prototype, name)!;
      if (name === "constructor" || name === "close" || (get ?? value) === undefined) continue;
      // What the object can do the copy cannot, not even when it is made to.
      const call = async (): Promise<unknown> => await (get ?? value).call(copy, new Uint8Array(8), 1, 0);
      await assertRejects(call, TypeError, undefined, `${object.constructor.name}.${name}`);
    }
    assertThrows(() => new DataSubscriber(config, stream, { runtime: copy as Runtime }), ArgumentError);
  }
  assertEquals(block.sequence, 0);
});
