// SPDX-License-Identifier: Apache-2.0
// Typed records: what a reader gets, and what it is told when it reads with another schema.
import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  ArgumentError,
  Bar,
  ClosedError,
  DataBroadcaster,
  DataSubscriber,
  defineRecord,
  FieldValueError,
  MarketDataType,
  SchemaMismatchError,
  Tick,
} from "../../mod.ts";
import { waitFor } from "../support/wait.ts";
import type { Lane } from "./lane.ts";
import { newStream, range } from "./tools.ts";

const tick = (last: number) => ({ timestampNs: 1n, last, bid: 2, ask: 3, volume: 4n, symbol: "ES" });

/** As large as a tick, but no tick. */
const Quote = defineRecord("ConformanceQuote", { timestampNs: "i64", bid: "f64", ask: "f64", symbol: "char[48]" });

/** The last prices in each block, block by block. */
function readTicks(feed: DataSubscriber): number[][] {
  const blocks: number[][] = [];
  while (feed.poll((block) => void blocks.push(block.records(Tick).toArray().map(({ last }) => last))) > 0);
  return blocks;
}

export function testRecords(lane: Lane): void {
  const manual = lane.config({ flushAfterMs: 60_000 });

  test(`${lane.name}: records written are the records read, and the block says which they are`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(manual, stream, { runtime });
    using feed = new DataSubscriber(manual, stream, { runtime });
    const quotes = out.writer(Quote);
    const values = range(0, 5).map((index) => ({
      timestampNs: -1n - BigInt(index),
      bid: index,
      ask: index + 0.5,
      symbol: "é".repeat(index),
    }));
    for (const value of values) quotes.write(value);
    quotes.flush();
    using block = feed.receiveBlock()!;
    assertEquals(block.records(Quote).toArray(), values);
    assertEquals(
      [block.recordCount, block.recordSize, block.schemaId, block.dataType, block.data.length],
      [5, Quote.size, Quote.id, Quote.dataType, 5 * Quote.size],
    );
  });

  test(`${lane.name}: reading with another schema is an error that names both`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(manual, stream, { runtime });
    using feed = new DataSubscriber(manual, stream, { runtime });
    const ticks = out.writer(Tick);
    ticks.write(tick(1));
    ticks.flush();
    using block = feed.receiveBlock()!;
    for (const schema of [Quote, Bar]) {
      const error = assertThrows(() => block.records<never>(schema as never), SchemaMismatchError);
      assertStringIncludes(error.message, schema.name);
      assertStringIncludes(error.message, "Tick");
    }
    assertEquals(block.records(Tick).at(0).last, 1);
  });

  test(`${lane.name}: bytes without a schema are believed as far as they state their size`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(manual, stream, { runtime });
    using feed = new DataSubscriber(manual, stream, { runtime });
    const data = new Uint8Array(Tick.size * 2);
    Tick.write(data, 0, tick(1));
    Tick.write(data, Tick.size, tick(2));
    out.broadcast(data, 2, MarketDataType.Tick);
    assertEquals(readTicks(feed), [[1, 2]]);
    // More records stated than there are bytes for.
    out.broadcast(data, 1_000_000, MarketDataType.Tick);
    assertEquals(readTicks(feed), [[1, 2]]);
    out.broadcast(data, 4, MarketDataType.Tick);
    using block = feed.receiveBlock()!;
    assertThrows(() => block.records(Tick), SchemaMismatchError);
  });

  test(`${lane.name}: a record writer publishes a block when it is full`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(manual, stream, { runtime });
    using feed = new DataSubscriber(manual, stream, { runtime });
    const ticks = out.writer(Tick);
    assertEquals([ticks.capacity, ticks.pending], [113, 0]);
    for (let index = 0; index < 112; index++) assert(ticks.write(tick(index)));
    assertEquals([ticks.pending, feed.hasData()], [112, false]);
    ticks.write(tick(112));
    assertEquals([ticks.pending, feed.hasData()], [0, true]);
    for (let index = 113; index < 300; index++) ticks.write(tick(index));
    assertEquals(readTicks(feed), [range(0, 113), range(113, 226)]);
    assertEquals(ticks.pending, 300 - 226);
  });

  test(`${lane.name}: flush publishes what there is, and nothing when there is nothing`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(manual, stream, { runtime });
    using feed = new DataSubscriber(manual, stream, { runtime });
    const ticks = out.writer(Tick);
    assertEquals([ticks.flush(), out.nextSequence], [true, 0]);
    for (let block = 0; block < 3; block++) {
      for (let index = 0; index <= block; index++) ticks.write(tick(index));
      assertEquals([ticks.flush(), ticks.pending], [true, 0]);
    }
    assertEquals(readTicks(feed), [[0], [0, 1], [0, 1, 2]]);
  });

  test(`${lane.name}: flushAfterMs publishes what waits, from the first record on`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config({ flushAfterMs: 30 }), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    const ticks = out.writer(Tick);
    for (let round = 0; round < 3; round++) {
      const began = performance.now();
      ticks.write(tick(round));
      ticks.write(tick(round + 10));
      assertEquals(feed.hasData(), false);
      await waitFor(() => feed.hasData(), { what: "the flush" });
      assert(performance.now() - began >= 29, "not before its time");
      assertEquals(readTicks(feed), [[round, round + 10]]);
    }
  });

  test(`${lane.name}: closing a broadcaster sends what its writers hold`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using feed = new DataSubscriber(manual, stream, { runtime });
    const out = new DataBroadcaster(manual, stream, { runtime });
    const [one, two] = [out.writer(Tick), out.writer(Tick)];
    one.write(tick(1));
    two.write(tick(2));
    two.write(tick(3));
    out.close();
    assertEquals(readTicks(feed), [[1], [2, 3]]);
    assertThrows(() => one.write(tick(4)), ClosedError);
    assertEquals(feed.hasData(), false);
  });

  test(`${lane.name}: closing the runtime sends what writers hold`, async () => {
    await using stand = await lane.open();
    await using readers = await lane.open();
    const stream = newStream();
    using feed = new DataSubscriber(manual, stream, { runtime: readers.runtime });
    const out = new DataBroadcaster(manual, stream, { runtime: stand.runtime });
    const ticks = out.writer(Tick);
    ticks.write(tick(7));
    stand.runtime.close();
    assertEquals(readTicks(feed), [[7]]);
    assertThrows(() => ticks.write(tick(8)), ClosedError);
  });

  test(`${lane.name}: a record that does not fit its fields is refused whole`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(manual, stream, { runtime });
    using feed = new DataSubscriber(manual, stream, { runtime });
    const ticks = out.writer(Tick);
    ticks.write(tick(1));
    for (
      const wrong of [
        { ...tick(2), symbol: "x".repeat(33) },
        { ...tick(2), volume: -1n },
        { ...tick(2), volume: 1n << 64n },
        { ...tick(2), timestampNs: NaN },
        { last: 2 },
      ]
    ) assertThrows(() => ticks.write(wrong as never), FieldValueError);
    assertEquals(ticks.pending, 1);
    ticks.write(tick(3));
    ticks.flush();
    assertEquals(readTicks(feed), [[1, 3]]);
    assertThrows(() => out.writer({} as never), ArgumentError);
  });

  test(`${lane.name}: records of one stream can be copied to another record by record`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const streams = [newStream(), newStream()] as const;
    using out = new DataBroadcaster(manual, streams[0], { runtime });
    using feed = new DataSubscriber(manual, streams[0], { runtime });
    using copyOut = new DataBroadcaster(manual, streams[1], { runtime });
    using copyFeed = new DataSubscriber(manual, streams[1], { runtime });
    const [ticks, copies] = [out.writer(Tick), copyOut.writer(Tick)];
    for (let index = 0; index < 200; index++) ticks.write(tick(index));
    ticks.flush();
    while (
      feed.poll((block) => {
        for (const record of block.records(Tick)) copies.write(record);
      }) > 0
    );
    copies.flush();
    assertEquals(readTicks(copyFeed).flat(), range(0, 200));
  });
}
