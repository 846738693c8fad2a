// SPDX-License-Identifier: Apache-2.0
// One ring in the memory of the process: what lies in it, and who is woken at its words.
import { assert, assertAlmostEquals, assertEquals, assertFalse, assertGreaterOrEqual } from "@std/assert";
import { test } from "node:test";
import { ArgumentError, RingCapacityError, RingEntryError, RingGoneError, UnsupportedError } from "../src/errors.ts";
import * as layout from "../src/ring/layout.ts";
import { RingView } from "../src/ring/ring_view.ts";
import { ARENA_BYTES_MIN } from "../src/transport/memory_arena.ts";
import { MemoryTransport } from "../src/transport/memory_transport.ts";
import { RING_DATA, RING_ROOM, type RingSettings } from "../src/transport/transport.ts";
import { dataWord, epochOf, newRing, raiseFlag } from "./memory/rings.ts";
import { assertMisuse, type Untyped } from "./support/misuse.ts";
import { runScript } from "./support/process.ts";
import { waitFor } from "./support/wait.ts";

const NAME = { service: "Dienst", stream: "Kanäle" };
const BYTES = 4 * ARENA_BYTES_MIN;

/** The stamp that a slot has before anything was written there. */
function firstStamp(index: number, { capacity, firstSequence }: Pick<RingSettings, "capacity" | "firstSequence">) {
  const [first, slots] = [BigInt(firstSequence), BigInt(capacity)];
  let sequence = BigInt(index);
  while (sequence < first) sequence += slots * ((first - sequence + slots - 1n) / slots);
  return BigInt.asUintN(64, sequence - slots);
}

for (const firstSequence of [0, 5, 2 ** 31 - 5, 2 ** 32 - 5, 2 ** 53 - 1 - 1024]) {
  test(`MemoryTransport.createRing writes what a ring from ${firstSequence} begins with`, () => {
    const transport = MemoryTransport.create({ bytes: BYTES });
    // What was there before must not show.
    for (const capacity of [16, 32, 64]) {
      const dirty = newRing(transport, NAME, { capacity, entries: 64 });
      for (const { buffer, byteOffset, byteLength } of [dirty.data, dirty.table]) {
        new Uint8Array(buffer, byteOffset, byteLength).fill(0xee);
      }
      dirty.close();
    }
    const settings = {
      capacity: 32,
      entries: 3,
      maxSubscribers: 77,
      lossless: firstSequence === 5,
      heartbeatIntervalMs: 12345,
      readerTimeoutMs: 6789,
      firstSequence,
    };
    const before = Date.now();
    const ring = transport.createRing(NAME, settings);
    const view = new RingView("look at a ring", ring, true);
    const [epochLow, epochHigh] = epochOf(ring);
    assertEquals([view.epochLow, view.epochHigh], [epochLow, epochHigh]);
    assert(epochLow !== 0 || epochHigh !== 0);
    const { capacity, lossless, heartbeatIntervalMs, maxSubscribers, readerTimeoutMs, entryCount } = view;
    assertEquals(
      { capacity, lossless, heartbeatIntervalMs, maxSubscribers, readerTimeoutMs, entries: entryCount, firstSequence },
      settings,
    );
    assertEquals([view.firstSequence, view.head(), view.closed], [firstSequence, firstSequence, false]);
    assertGreaterOrEqual(view.createdMs, (before - 1) % 2 ** 32);
    assertGreaterOrEqual(view.heartbeatMs >>> 0, before % 2 ** 32);
    const header = new DataView(ring.data.buffer, ring.data.byteOffset, layout.RING_HEADER_BYTES);
    const text = (lengthAt: number, at: number): string =>
      new TextDecoder().decode(
        new Uint8Array(header.buffer, header.byteOffset + at, header.getUint32(lengthAt, true)).slice(),
      );
    assertEquals([text(512, 520), text(516, 624)], [NAME.service, NAME.stream]);
    for (let index = 0; index < capacity; index++) {
      const at = ring.data.byteOffset + layout.RING_HEADER_BYTES + index * layout.RING_SLOT_BYTES;
      const stamp = new DataView(ring.data.buffer, at, 8).getBigUint64(0, true);
      assertEquals(stamp, firstStamp(index, settings), `slot ${index}`);
    }
    // Whose process it is, the queue lane's subscribers, and what no version has used yet.
    for (const at of [64, 68, 72, 76, 80, 84, layout.RING_OFFSET_QUEUE_SUBSCRIBERS, 508, 728, 4092]) {
      assertEquals(header.getUint32(at, true), 0, `offset ${at}`);
    }
    const table = new Int32Array(ring.table.buffer, ring.table.byteOffset, ring.table.byteLength / 4);
    assert(table.subarray(layout.TABLE_OFFSET_DATA_WORD / 4).every((word) => word === 0));
    transport.close();
  });
}

test("MemoryTransport.createRing refuses settings that do not fit, and takes nothing", () => {
  const transport = MemoryTransport.create({ bytes: BYTES });
  for (const capacity of [0, 8, 17, 131072, 16.5, NaN, "16"] as Untyped[]) {
    assertMisuse(() => newRing(transport, NAME, { capacity }), RingCapacityError, { value: capacity });
  }
  for (const entries of [0, -1, 1025, 1.5, NaN, null] as Untyped[]) {
    assertMisuse(() => newRing(transport, NAME, { entries }), RingEntryError);
  }
  for (const firstSequence of [-1, 2 ** 53, 0.5, NaN, 1n] as Untyped[]) {
    assertMisuse(() => newRing(transport, NAME, { firstSequence }), ArgumentError, { value: firstSequence });
  }
  assertEquals(transport.ports(), []);
  transport.close();
});

test("MemoryRing has the same memory at both ends, and nobody in particular at one", () => {
  const transport = MemoryTransport.create({ bytes: BYTES });
  const writer = newRing(transport, NAME);
  const reader = transport.attachRing(...epochOf(writer));
  assertEquals([reader.data, reader.table], [writer.data, writer.table]);
  assertEquals([reader.tableWritable, reader.beats], [true, false]);
  assert(Object.values(reader.identity).every((word) => word === 0));
  assertMisuse(() => writer.bindNuma(), UnsupportedError);
  transport.close();
});

test("MemoryRing beats while its writer's event loop runs, and while it waits in its thread", async () => {
  const transport = MemoryTransport.create({ bytes: BYTES });
  const ring = newRing(transport, NAME, { heartbeatIntervalMs: 1 });
  const beats = new Int32Array(ring.data.buffer, ring.data.byteOffset + layout.RING_OFFSET_HEARTBEAT_MS, 1);
  const state = new Int32Array(ring.data.buffer, ring.data.byteOffset + layout.RING_OFFSET_STATE, 1);
  for (let round = 0; round < 3; round++) {
    beats[0] = 0;
    await waitFor(() => beats[0] !== 0);
  }
  assertAlmostEquals(beats[0]! >>> 0, transport.clockMs(), 1000);
  beats[0] = 0;
  ring.wait(RING_ROOM, 0, 30);
  assert(beats[0] !== 0);
  const other = newRing(transport, NAME, { heartbeatIntervalMs: 1 });
  ring.close();
  assertEquals(state[0], layout.RING_CLOSED);
  beats[0] = 0;
  other.wait(RING_ROOM, 0, 30);
  assertEquals(beats[0], 0, "a ring that was closed beats no more");
  transport.close();
});

test("MemoryRing.wake lowers a flag that is up, and changes nothing when it is down", () => {
  const transport = MemoryTransport.create({ bytes: BYTES });
  const ring = newRing(transport, NAME);
  const word = dataWord(ring);
  ring.wake(RING_DATA);
  assertEquals(word[0], 0);
  raiseFlag(ring);
  ring.wake(RING_DATA);
  assertEquals(word[0], 2);
  word[0] = -1;
  ring.wake(RING_DATA);
  assertEquals(word[0], 0);
  transport.close();
});

test("MemoryRing.wait returns at once at another value, and else when the time is over", () => {
  const transport = MemoryTransport.create({ bytes: BYTES });
  const ring = newRing(transport, NAME);
  ring.wait(RING_DATA, 7, Infinity);
  const begin = performance.now();
  ring.wait(RING_DATA, 0, 20);
  assertGreaterOrEqual(performance.now() - begin, 20);
  ring.wait(RING_DATA, 0, 0);
  transport.close();
});

test("MemoryRing.park calls back once, later, when the word changes or has changed", async () => {
  const transport = MemoryTransport.create({ bytes: BYTES });
  const writer = newRing(transport, NAME);
  const reader = transport.attachRing(...epochOf(writer));
  const calls: string[] = [];
  const note = (text: string) => (): void => void calls.push(text);
  writer.park(RING_DATA, 5, note("other value"));
  assertEquals(calls, [], "never within the call");
  await waitFor(() => calls.length === 1);
  const flagged = raiseFlag(reader);
  reader.park(RING_DATA, flagged, note("reader"));
  writer.park(RING_DATA, flagged, note("writer"));
  writer.park(RING_ROOM, 0, note("room"));
  reader.park(RING_DATA, flagged, note("reader again"));
  writer.wake(RING_ROOM);
  writer.wake(RING_DATA);
  await waitFor(() => calls.length === 3);
  assertEquals(calls.sort(), ["other value", "reader again", "writer"]);
  writer.unpark(RING_ROOM);
  writer.unpark(RING_ROOM);
  transport.close();
});

test("MemoryRing.unpark takes a park back, even one whose callback is due", async () => {
  const transport = MemoryTransport.create({ bytes: BYTES });
  const ring = newRing(transport, NAME);
  let calls = 0;
  const count = (): void => void calls++;
  ring.park(RING_DATA, 5, count);
  ring.unpark(RING_DATA);
  for (let round = 0; round < 100; round++) {
    ring.park(RING_DATA, raiseFlag(ring), count);
    if (round % 2 === 0) ring.wake(RING_DATA);
    ring.unpark(RING_DATA);
  }
  let last = 0;
  ring.park(RING_DATA, raiseFlag(ring), () => void last++);
  ring.wake(RING_DATA);
  await waitFor(() => last === 1);
  assertEquals(calls, 0);
  transport.close();
});

test("MemoryRing.park wakes at the next change after one that was parked, unparked and slept through", async () => {
  const transport = MemoryTransport.create({ bytes: BYTES });
  const ring = newRing(transport, NAME);
  for (let round = 0; round < 200; round++) {
    // A wait that cannot be taken back is left behind, and serves the next park.
    ring.park(RING_DATA, raiseFlag(ring), () => assert(false));
    ring.unpark(RING_DATA);
    if (round % 3 === 0) ring.wake(RING_DATA);
    const woken = new Promise<void>((resolve) => ring.park(RING_DATA, raiseFlag(ring), resolve));
    if (round % 2 === 0) await null;
    ring.wake(RING_DATA);
    await woken;
  }
  transport.close();
});

test("MemoryRing.close ends the ring: readers see it, and who parks is woken", async () => {
  const transport = MemoryTransport.create({ bytes: BYTES });
  const writer = newRing(transport, NAME);
  const epoch = epochOf(writer);
  const reader = transport.attachRing(...epoch);
  const view = new RingView("look at a ring", reader, false);
  assert(writer.writerAlive() && reader.writerAlive());
  const woken = new Promise<void>((resolve) => reader.park(RING_DATA, raiseFlag(reader), resolve));
  writer.close();
  writer.close();
  await woken;
  assert(view.closed);
  assertFalse(reader.writerAlive() || writer.writerAlive());
  // Still there for who knows it, as long as somebody reads it.
  transport.attachRing(...epoch).close();
  reader.close();
  reader.close();
  assertMisuse(() => transport.attachRing(...epoch), RingGoneError);
  transport.close();
});

for (
  const [way, lines] of Object.entries({
    "nothing": ["end"],
    "unpark": ["end"],
    "close ends": ["end"],
    "close transport": ["end"],
    "wake": ["data", "end"],
  })
) {
  test(`A script ends when nothing is parked any more: ${way}`, async () => {
    const script = await runScript("tests/memory/park.ts", [way], { permissions: [] });
    assertEquals(script.lines, lines, script.report());
    assertEquals([script.exit, script.stderr], [{ code: 0, signal: null }, ""]);
  });
}
