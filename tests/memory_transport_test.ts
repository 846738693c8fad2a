// SPDX-License-Identifier: Apache-2.0
// The stack in the memory of the process: rings that are announced and found, by one Worker; memory_workers_test.ts has several.
import { assert, assertAlmostEquals, assertEquals, assertFalse } from "@std/assert";
import { test } from "node:test";
import { RingGoneError, RuntimeClosedError, UnsupportedError } from "../src/errors.ts";
import { ARENA_BYTES_MIN } from "../src/transport/memory_arena.ts";
import { MemoryTransport } from "../src/transport/memory_transport.ts";
import { RING_DATA, type RingFinder } from "../src/transport/transport.ts";
import { announced, epochOf, isEmpty, NAME, newRing, NO_ORIGIN, OTHER, takeAll } from "./memory/rings.ts";
import { assertMisuse } from "./support/misuse.ts";
import { waitFor } from "./support/wait.ts";

/** Room for three rings of 16 slots: 4 would need 140 pages. */
const BYTES = ARENA_BYTES_MIN;

test("RingFinder tells of every announced ring of its stream once, in order, those that were there first", () => {
  const transport = MemoryTransport.create();
  const rings = [announced(transport), announced(transport)];
  newRing(transport, NAME);
  announced(transport, OTHER);
  const finder = transport.findRings(NAME);
  assert(finder.hasNews());
  assertEquals(takeAll(finder), rings.map(epochOf));
  assertFalse(finder.hasNews());
  const third = announced(transport);
  assert(finder.hasNews());
  const fourth = announced(transport);
  third.announce(NO_ORIGIN);
  assertEquals(takeAll(finder), [third, fourth].map(epochOf));
  assertFalse(finder.hasNews());
  transport.close();
});

test("RingFinder tells of rings in the order of their announcement", () => {
  const transport = MemoryTransport.create();
  const finder = transport.findRings(NAME);
  const rings = Array.from({ length: 4 }, () => newRing(transport, NAME)).reverse();
  for (const ring of rings) ring.announce(NO_ORIGIN);
  assertEquals(takeAll(finder), rings.map(epochOf));
  assertEquals(takeAll(transport.findRings(NAME)), rings.map(epochOf));
  transport.close();
});

test("RingFinder has news until there is none, however often it is asked for one", () => {
  const transport = MemoryTransport.create();
  const finder = transport.findRings(NAME);
  const rings = [announced(transport), announced(transport), announced(transport)];
  const epochs: number[][] = [];
  while (finder.hasNews()) {
    const news = finder.next();
    if (news !== null) epochs.push([news.epochLow, news.epochHigh]);
  }
  assertEquals(epochs, rings.map(epochOf));
  transport.close();
});

test("RingFinder does not tell of rings that were closed before it came", () => {
  const transport = MemoryTransport.create();
  const first = announced(transport);
  const reader = transport.attachRing(...epochOf(first));
  first.close();
  const finder = transport.findRings(NAME);
  assertEquals(finder.next(), null);
  reader.close();
  transport.close();
});

test("RingFinder.park calls back for rings of its stream only", async () => {
  const transport = MemoryTransport.create();
  const finder = transport.findRings(NAME);
  let calls = 0;
  finder.park(() => calls++);
  const other = transport.findRings(OTHER);
  for (let round = 0; round < 3; round++) {
    const found = new Promise<void>((resolve) => other.park(resolve));
    announced(transport, OTHER);
    await found;
    assertEquals(takeAll(other).length, 1);
  }
  assertEquals(calls, 0);
  announced(transport);
  await waitFor(() => calls === 1);
  // What is there already is told of, too.
  finder.park(() => calls++);
  await waitFor(() => calls === 2);
  finder.park(() => calls++);
  finder.unpark();
  takeAll(finder);
  finder.park(() => calls++);
  finder.close();
  announced(transport);
  const last = transport.findRings(NAME);
  await new Promise<void>((resolve) => last.park(resolve));
  assertEquals(calls, 2);
  transport.close();
});

test("A closed ring can be read by a finder that has not attached it yet, and is gone after that", () => {
  const transport = MemoryTransport.create({ bytes: BYTES });
  const [early, late] = [transport.findRings(NAME), transport.findRings(NAME)];
  const writer = announced(transport);
  const epoch = epochOf(writer);
  new Uint8Array(writer.data.buffer, writer.data.byteOffset + 4096, 65536).fill(7);
  assertEquals(takeAll(early), [epoch]);
  writer.close();
  assertFalse(isEmpty(transport));
  const news = late.next()!;
  const reader = transport.attachRing(news.epochLow, news.epochHigh);
  assertFalse(reader.writerAlive());
  assertEquals(late.next(), null);
  assert(new Uint8Array(reader.data.buffer, reader.data.byteOffset + 4096, 65536).every((byte) => byte === 7));
  reader.close();
  assert(isEmpty(transport));
  assertMisuse(() => transport.attachRing(...epoch), RingGoneError);
  transport.close();
});

test("The memory of a closed ring is free when the last finder that did not attach it has gone on or was closed", () => {
  const transport = MemoryTransport.create({ bytes: BYTES });
  const leave: ((finder: RingFinder) => void)[] = [
    (finder) => finder.close(),
    (finder) => void takeAll(finder),
    (finder) => (finder.next(), finder.close()),
    (finder) => {
      const news = finder.next()!;
      const reader = transport.attachRing(news.epochLow, news.epochHigh);
      finder.close();
      assertFalse(isEmpty(transport));
      reader.close();
    },
  ];
  for (const first of leave) {
    for (const second of leave) {
      for (const order of ["before", "after"]) {
        // One ring that is there when the finders come and one that is announced to them, closed before or after one looks.
        const known = announced(transport);
        const finders = [transport.findRings(NAME), transport.findRings(NAME)];
        assertEquals(takeAll(finders[0]!).length, 1);
        known.close();
        const writer = announced(transport);
        if (order === "before") writer.close();
        first(finders[0]!);
        assertFalse(isEmpty(transport));
        writer.close();
        takeAll(finders[1]!);
        assert(isEmpty(transport), "both finders have seen all");
        const again = announced(transport);
        again.close();
        second(finders[1]!);
        for (const finder of finders) finder.close();
        assert(isEmpty(transport));
        assertEquals(transport.ports(), []);
      }
    }
  }
  transport.close();
});

test("MemoryTransport.ports lists rings that live and finders, by stream", () => {
  const transport = MemoryTransport.create();
  const lossless = newRing(transport, NAME, { lossless: true });
  const lossy = newRing(transport, NAME);
  const finders = [transport.findRings(NAME), transport.findRings(OTHER), transport.findRings(NAME)];
  const entry = { ...NAME, event: "Ring", publishers: 2, lossyPublishers: 1, subscribers: 2 };
  const other = { ...OTHER, event: "Ring", publishers: 0, lossyPublishers: 0, subscribers: 1 };
  assertEquals(transport.ports(), [entry, other]);
  lossy.close();
  finders[1]!.close();
  assertEquals(transport.ports(), [{ ...entry, publishers: 1, lossyPublishers: 0 }]);
  lossless.close();
  for (const finder of finders) finder.close();
  assertEquals(transport.ports(), []);
  transport.close();
});

test("MemoryTransport has no queue lane, and says so", () => {
  const transport = MemoryTransport.create({ bytes: BYTES });
  assertFalse(transport.hasPorts);
  const name = { ...NAME, event: "Data" };
  const common = { payloadBytes: 8192, alignment: 64, history: 0, blocking: false };
  assertMisuse(() => transport.openPublisher(name, { ...common, stamp: true }), UnsupportedError, {
    says: ["no queue lane"],
  });
  assertMisuse(() => transport.openSubscriber(name, { ...common, capacity: 16 }), UnsupportedError, {
    says: ["no queue lane"],
  });
  assertMisuse(() => transport.mapWindow(0), UnsupportedError, { says: ["no queue lane"] });
  assertMisuse(() => transport.bindNuma(), UnsupportedError);
  assertMisuse(() => transport.pinThread(0), UnsupportedError);
  transport.yieldThread();
  transport.close();
});

test("MemoryTransport.clockSinceNs tells the wall clock, exactly near the moment given", () => {
  const transport = MemoryTransport.create({ bytes: BYTES });
  const base = BigInt(Date.now()) * 1_000_000n + 123_456n;
  const since = (moment: bigint): number =>
    transport.clockSinceNs(Number(moment & 0xffffffffn) | 0, Number(moment >> 32n) | 0);
  assertAlmostEquals(since(base), 0, 5e9);
  assertAlmostEquals(since(0n) / 1e6, Date.now(), 1000);
  // A difference of moments is found again to the nanosecond, but for the time that passes between two calls.
  const [early, late] = [since(base), since(base + (1n << 32n) + 1n)];
  assertAlmostEquals(early - late, 2 ** 32 + 1, 1e9);
  const readings = Array.from({ length: 1000 }, () => since(base));
  assert(new Set(readings.map((ns) => ns % 1e6)).size > 1, "finer than milliseconds");
  transport.close();
});

test("MemoryTransport.clockSinceNs shows that the writer lives, without a turn of the event loop", () => {
  const transport = MemoryTransport.create({ bytes: BYTES });
  const ring = newRing(transport, NAME);
  const beats = new Int32Array(ring.data.buffer, ring.data.byteOffset + 192, 1);
  beats[0] = 0;
  while (beats[0] === 0) transport.clockSinceNs(0, 0);
  assertAlmostEquals(beats[0] >>> 0, transport.clockMs(), 1000);
  transport.close();
});

test("MemoryTransport.close closes what is open, wakes nobody, and refuses what comes after", async () => {
  const transport = MemoryTransport.create({ bytes: BYTES });
  const other = MemoryTransport.attach(transport.handle);
  const ring = announced(transport);
  const epoch = epochOf(ring);
  const finder = transport.findRings(NAME);
  other.findRings(NAME);
  let calls = 0;
  ring.park(RING_DATA, 0, () => calls++);
  finder.park(() => calls++);
  transport.close();
  transport.close();
  assertEquals(transport.state, "closed");
  const calling = [
    () => newRing(transport, NAME),
    () => transport.attachRing(...epoch),
    () => transport.findRings(NAME),
    () => transport.ports(),
  ];
  for (const call of calling) assertMisuse(call, RuntimeClosedError);
  assertEquals([finder.next(), ring.writerAlive()], [null, false]);
  assertEquals(other.ports(), [{ ...NAME, event: "Ring", publishers: 0, lossyPublishers: 0, subscribers: 1 }]);
  const found = new Promise<void>((resolve) => other.findRings(OTHER).park(resolve));
  announced(other, OTHER);
  await found;
  assertEquals(calls, 0);
  other.close();
});
