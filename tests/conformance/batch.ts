// SPDX-License-Identifier: Apache-2.0
// broadcastBatch: no record is cut, and all counts add up.
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  ArgumentError,
  BatchTooLargeError,
  DataBroadcaster,
  DataSubscriber,
  MarketDataType,
  RecordSizeError,
  Tick,
} from "../../mod.ts";
import type { Lane } from "./lane.ts";
import { newStream, payload, range } from "./tools.ts";

/** What a subscriber got: the bytes of all blocks one after the other, and the records of each block. */
interface Received {
  readonly data: Uint8Array;
  readonly counts: number[];
}

/** Reads all that is there; each block must hold whole records. */
function receiveAll(feed: DataSubscriber, recordSize: number): Received {
  const parts: Uint8Array[] = [];
  const counts: number[] = [];
  while (
    feed.poll((block) => {
      assertEquals(block.data.length, block.recordCount * recordSize, `block ${block.sequence} cuts a record`);
      assertEquals(block.recordSize, recordSize);
      parts.push(block.data.slice());
      counts.push(block.recordCount);
    }) > 0
  );
  const data = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return { data, counts };
}

/** Equal bytes, without a comparison object by object. */
function assertSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  assertEquals(actual.length, expected.length);
  assertEquals(actual.findIndex((byte, index) => byte !== expected[index]), -1);
}

/** [bytes of a record, records of the batch, records that a block takes] */
const SIZES: readonly (readonly [number, number, number])[] = [
  [72, 1, 113],
  [72, 112, 113],
  [72, 113, 113],
  [72, 114, 113],
  [72, 1000, 113],
  [1, 10_000, 8136],
  [7, 3000, 1162],
  [4068, 5, 2],
  [4069, 3, 1],
  [8136, 3, 1],
  [8137, 3, 1],
  [8160, 3, 1],
];

export function testBatch(lane: Lane): void {
  for (const [size, records, perBlock] of SIZES) {
    test(`${lane.name}: a batch of ${records} records of ${size} bytes goes in whole records`, async () => {
      await using stand = await lane.open();
      const { runtime } = stand;
      const stream = newStream();
      using out = new DataBroadcaster(lane.config(), stream, { runtime });
      using feed = new DataSubscriber(lane.config(), stream, { runtime });
      const data = payload(records, size * records);
      assertEquals(out.broadcastBatch(data, records, MarketDataType.Unknown), records);
      const blocks = Math.ceil(records / perBlock);
      const received = receiveAll(feed, size);
      assertSameBytes(received.data, data);
      assertEquals(received.counts, range(0, blocks).map((index) => Math.min(perBlock, records - index * perBlock)));
      const sent = out.getStats();
      assertEquals([sent.sentBlocks, sent.sentRecords, sent.sentBytes], [blocks, records, data.length]);
      const got = feed.getReceiveStats();
      assertEquals([got.receivedBlocks, got.receivedRecords, got.receivedBytes], [blocks, records, data.length]);
    });
  }

  test(`${lane.name}: a batch of 10000 ticks is read back tick by tick`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    const count = 10_000;
    const data = new Uint8Array(Tick.size * count);
    const tick = (index: number) => ({
      timestampNs: 1_700_000_000_000_000_000n + BigInt(index),
      last: index / 8,
      bid: index / 8 - 0.125,
      ask: index / 8 + 0.125,
      volume: (1n << 63n) + BigInt(index),
      symbol: `S${index}`,
    });
    for (let index = 0; index < count; index++) Tick.write(data, index * Tick.size, tick(index));
    assertEquals(out.broadcastBatch(data, count, MarketDataType.Tick), count);
    let next = 0;
    while (
      feed.poll((block) => {
        for (const read of block.records(Tick)) {
          const wanted = tick(next);
          const same = read.timestampNs === wanted.timestampNs && read.last === wanted.last &&
            read.bid === wanted.bid && read.ask === wanted.ask && read.volume === wanted.volume &&
            read.symbol === wanted.symbol;
          assert(same, `tick ${next}`);
          next++;
        }
      }) > 0
    );
    assertEquals(next, count);
  });

  test(`${lane.name}: a batch that is none is refused, and nothing is sent`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config({ batchSize: 100 }), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    const type = MarketDataType.Tick;
    const tooMany = assertThrows(() => out.broadcastBatch(new Uint8Array(101), 101, type), BatchTooLargeError);
    assertEquals([tooMany.value, tooMany.limit], [101, 100]);
    for (const [length, count] of [[71, 2], [8161, 1], [16_322, 2], [5, 0], [0, 5], [100, 3]] as const) {
      assertThrows(() => out.broadcastBatch(new Uint8Array(length), count, type), RecordSizeError);
    }
    // deno-lint-ignore no-explicit-any
    const loose = out as any;
    assertThrows(() => loose.broadcastBatch("data", 1, type), ArgumentError);
    assertThrows(() => loose.broadcastBatch(new Uint8Array(8), -1, type), ArgumentError);
    assertThrows(() => loose.broadcastBatch(new Uint8Array(8), 1, 99), ArgumentError);
    assertEquals(out.broadcastBatch(new Uint8Array(0), 0, type), 0);
    assertEquals([out.nextSequence, feed.receive(), out.getStats().errors], [0, null, 10]);
  });
}
