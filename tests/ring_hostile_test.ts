// SPDX-License-Identifier: Apache-2.0
// Rings that are not what they say: every number of their headers wrong, one by one.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  BroadcastConfig,
  type BroadcastConfigFields,
  DataBroadcaster,
  DataSubscriber,
  type IpcErrorClass,
  RingCorruptError,
  RingVersionError,
} from "../mod.ts";
import * as layout from "../src/ring/layout.ts";
import type { TransportRing } from "../src/transport/transport.ts";
import { drain, newStream, send } from "./conformance/tools.ts";
import { newRing, NO_ORIGIN } from "./memory/rings.ts";
import { type MemoryStand, openMemory, RawRing, RingMemory } from "./ring/raw_ring.ts";
import { assertMisuse } from "./support/misuse.ts";

const CAPACITY = 16;
const ENTRIES = 8;
const ALL_ONES = 0xffffffff;

function configOf(fields: Partial<BroadcastConfigFields> = {}): BroadcastConfig {
  return new BroadcastConfig({ bufferDepth: CAPACITY, lane: "ring", queueLane: "off", ...fields });
}

/** A word of a header, and what it may not say. */
interface WrongWord {
  readonly segment: "data" | "table";
  readonly field: string;
  readonly offset: number;
  readonly values: readonly number[];
  readonly error?: IpcErrorClass;
}

const WRONG: readonly WrongWord[] = [
  { segment: "data", field: "magic", offset: 0, values: [0, 0x4c554150, ALL_ONES] },
  { segment: "data", field: "magic, high half", offset: 4, values: [0, layout.TABLE_MAGIC_HIGH, ALL_ONES] },
  { segment: "data", field: "version", offset: 8, values: [0, 2, ALL_ONES], error: RingVersionError },
  { segment: "data", field: "header_bytes", offset: 12, values: [0, 64, 4095, 8192, ALL_ONES] },
  { segment: "data", field: "capacity", offset: 16, values: [0, 1, 8, 15, 17, 24, 32, 65536, 131072, ALL_ONES] },
  { segment: "data", field: "slot_bytes", offset: 20, values: [0, 64, 4096, 8191, 16384, ALL_ONES] },
  { segment: "data", field: "epoch", offset: 24, values: [0, 1, ALL_ONES] },
  { segment: "data", field: "epoch, high half", offset: 28, values: [0, 1, ALL_ONES] },
  { segment: "data", field: "first_sequence, high half", offset: 36, values: [0x200000, ALL_ONES] },
  { segment: "data", field: "segment_bytes", offset: 40, values: [0, 4096, 135168 - 1, 135168 + 8192, ALL_ONES] },
  { segment: "data", field: "segment_bytes, high half", offset: 44, values: [1, ALL_ONES] },
  { segment: "data", field: "flags", offset: 48, values: [2, 3, 0x80000000, ALL_ONES] },
  { segment: "data", field: "service_bytes", offset: 512, values: [105, 4096, ALL_ONES] },
  { segment: "data", field: "stream_bytes", offset: 516, values: [105, 4096, ALL_ONES] },
  { segment: "table", field: "magic", offset: 0, values: [0, 0x4c554150, ALL_ONES] },
  { segment: "table", field: "magic, high half", offset: 4, values: [0, layout.RING_MAGIC_HIGH, ALL_ONES] },
  { segment: "table", field: "version", offset: 8, values: [0, 2, ALL_ONES], error: RingVersionError },
  { segment: "table", field: "header_bytes", offset: 12, values: [0, 64, 4095, 8192, ALL_ONES] },
  { segment: "table", field: "entry_count", offset: 16, values: [0, ENTRIES - 1, ENTRIES + 1, 1025, ALL_ONES] },
  { segment: "table", field: "entry_bytes", offset: 20, values: [0, 32, 63, 128, ALL_ONES] },
  { segment: "table", field: "epoch", offset: 24, values: [0, 1, ALL_ONES] },
  { segment: "table", field: "epoch, high half", offset: 28, values: [0, 1, ALL_ONES] },
  { segment: "table", field: "segment_bytes", offset: 32, values: [0, 4096, 4096 + 64 * ENTRIES - 64, ALL_ONES] },
  { segment: "table", field: "segment_bytes, high half", offset: 36, values: [1, ALL_ONES] },
];

/** A ring that is not announced yet, with one word overwritten. */
function spoiled(stand: MemoryStand, stream: string, { segment, offset }: WrongWord, value: number): TransportRing {
  const ring = newRing(stand.transport, { service: "QAULTRA", stream }, { capacity: CAPACITY, entries: ENTRIES });
  const words = new RingMemory(ring)[segment];
  assert(words[offset / 4] !== value);
  words[offset / 4] = value;
  return ring;
}

for (const wrong of WRONG) {
  const { segment, field, values, error = RingCorruptError } = wrong;
  test(`RingView: a ${segment} segment with a wrong ${field} is refused with a ${error.name}`, () => {
    using stand = openMemory();
    const { runtime } = stand;
    for (const value of values) {
      const stream = newStream();
      // By one that is there already, and by one that comes later and does not share what the first one found.
      using feed = new DataSubscriber(configOf(), stream, { runtime });
      const ring = spoiled(stand, stream, wrong, value);
      ring.announce(NO_ORIGIN);
      assertMisuse(() => feed.poll(() => {}), error);
      assertMisuse(() => new DataSubscriber(configOf({ pollIntervalMs: 7 }), stream, { runtime }), error);
      // Told once; others of the stream can be read.
      ring.close();
      using out = new DataBroadcaster(configOf(), stream, { runtime });
      send(out, 3);
      assertEquals(drain(feed), [0, 1, 2]);
    }
  });
}

test("RingView: a ring with another epoch than the announced one is refused with a RingCorruptError", () => {
  using stand = openMemory();
  const { runtime, transport } = stand;
  for (const epoch of [[0, 0], [1, 0], [0, 1], [ALL_ONES, ALL_ONES]]) {
    const stream = newStream();
    const ring = newRing(transport, { service: "QAULTRA", stream });
    const { data, table } = new RingMemory(ring);
    data.set(epoch, layout.RING_OFFSET_EPOCH / 4);
    table.set(epoch, layout.TABLE_OFFSET_EPOCH / 4);
    ring.announce(NO_ORIGIN);
    assertMisuse(() => new DataSubscriber(configOf(), stream, { runtime }), RingCorruptError);
  }
});

test("RingView: fields that can say anything are no reason to refuse a ring, whatever they say", () => {
  const free = [52, 56, 60, 64, 68, 72, 76, 80, 84, 88, 92, 96, 140, 196, 256, 520, 624, 728, 4092];
  using stand = openMemory();
  for (const offset of free) {
    for (const value of [0x80000000, ALL_ONES, 3]) {
      const stream = newStream();
      using feed = new DataSubscriber(configOf(), stream, { runtime: stand.runtime });
      const ring = spoiled(stand, stream, { segment: "data", field: "", offset, values: [] }, value);
      ring.announce(NO_ORIGIN);
      assertEquals([drain(feed), feed.getReceiveStats().missedBlocks], [[], 0], `offset ${offset}`);
      ring.close();
    }
  }
});

test("a block beyond the last sequence is none, whatever its slot says", () => {
  const last = 2 ** 53 - 1;
  for (const fields of [{}, { read: "in-place" }, { delivery: "lossless" }] as const) {
    using stand = openMemory();
    const stream = newStream();
    using feed = new DataSubscriber(configOf(fields), stream, { runtime: stand.runtime });
    const lossless = "delivery" in fields;
    const ring = new RawRing(stand.transport, stream, {
      capacity: CAPACITY,
      entries: ENTRIES,
      firstSequence: last,
      lossless,
    });
    assertEquals(feed.hasData(), false);
    ring.send(1);
    ring.memory.setBlock(last + 1);
    const seen: number[] = [];
    feed.poll((block) => seen.push(block.sequence), Infinity);
    assertEquals([seen, feed.hasData(), feed.receive()], [[last], false, null]);
    ring.close();
  }
});
