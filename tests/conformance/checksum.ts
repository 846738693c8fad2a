// SPDX-License-Identifier: Apache-2.0
// Checksums: what a block says with `checksum: true`, and that a byte that changed after publishing is always noticed.
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  DataBroadcaster,
  DataSubscriber,
  DataTooLongError,
  defineRecord,
  MarketDataType,
  RecordSizeError,
  Tick,
} from "../../mod.ts";
import { assertChecksum } from "../support/checksum.ts";
import type { Lane } from "./lane.ts";
import { checkBlock, drain, newStream, payload, range, send } from "./tools.ts";

const BLOCK_BYTES = 8192;
const HEADER_BYTES = 32;
const FLAGS = 25;
const TRAILER_BYTES = 24;
const LENGTH = 64;
const TYPE = MarketDataType.Unknown;

/** Publishes a block by a loan. */
function publish(out: DataBroadcaster, length: number = LENGTH): void {
  using loan = out.loan();
  assert(loan !== null, "no room");
  loan.data.set(payload(out.nextSequence, length));
  assert(loan.publish(length, 1, TYPE), "no room");
}

/**
 * Every byte that a reader goes by: the header, the data, and of the trailer the source sequence and the checksum. The epoch is
 * known otherwise by then.
 */
const PLACES: readonly number[] = [
  ...range(0, HEADER_BYTES + LENGTH),
  ...range(BLOCK_BYTES - TRAILER_BYTES + 8, BLOCK_BYTES - 4),
];

export function testChecksum(lane: Lane): void {
  test(`${lane.name}: with a checksum every block has one that is right, whatever way it was written`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const config = lane.config({ checksum: true, queueCapacity: 16 });
    using out = new DataBroadcaster(config, stream, { runtime });
    // Readers verify what they are given, whether they make checksums themselves or not.
    using feed = new DataSubscriber(lane.config({ queueCapacity: 16 }), stream, { runtime });
    for (const length of [0, 1, 7, 8, 63, 64, 72, 100, 191, 192, 216, 4056, 4080, 8135, 8136]) {
      send(out, 1, length);
      using sent = feed.receiveBlock()!;
      checkBlock(sent, length);
      assertChecksum(sent);
      assertEquals([sent.sourceSequence, sent.epoch], [sent.sequence, out.epoch]);
      sent.release();
      publish(out, length);
      using loaned = feed.receiveBlock()!;
      checkBlock(loaned, length);
      assertChecksum(loaned);
    }
    const ticks = out.writer(Tick);
    for (let count = 0; count < 113; count++) {
      ticks.write({ timestampNs: BigInt(count), last: count, bid: 0, ask: 0, volume: 1n, symbol: "QAUL" });
    }
    using written = feed.receiveBlock()!;
    assertEquals([written.recordCount, written.records(Tick).at(112).last], [113, 112]);
    assertChecksum(written);
    written.release();
    const batch = payload(0, 114 * Tick.size);
    assertEquals(out.broadcastBatch(batch, 114, MarketDataType.Tick), 114);
    const counts: number[] = [];
    feed.poll((block) => {
      counts.push(block.recordCount);
      assertChecksum(block);
    });
    assertEquals(counts, [113, 1]);
    const { receivedBlocks, missedBlocks, corruptBlocks } = feed.getReceiveStats();
    assertEquals([receivedBlocks, missedBlocks, corruptBlocks], [33, 0, 0]);
  });

  test(`${lane.name}: with a checksum a block takes 8136 data bytes and no more`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const config = lane.config({ checksum: true });
    using out = new DataBroadcaster(config, stream, { runtime });
    using feed = new DataSubscriber(config, stream, { runtime });
    const tooLong = assertThrows(() => out.broadcast(payload(0, 8137), 1, TYPE), DataTooLongError);
    assertEquals(tooLong.limit, 8136);
    {
      using loan = out.loan()!;
      assertEquals(loan.data.length, 8136);
      assertThrows(() => loan.publish(8137, 1, TYPE), DataTooLongError);
    }
    assertThrows(() => out.broadcastBatch(payload(0, 8137), 1, TYPE), RecordSizeError);
    const large = defineRecord("Large", { values: "f64[1018]" });
    assertThrows(() => out.writer(large), RecordSizeError);
    assertEquals([out.nextSequence, out.getStats().errors, feed.hasData()], [0, 4, false]);
    send(out, 1, 8136);
    assertEquals(drain(feed, 8136), [0]);
  });

  test(`${lane.name}: a byte that changed after publishing is always noticed, and the block not handed out`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const config = lane.config({ checksum: true, queueCapacity: 16 });
    using out = new DataBroadcaster(config, stream, { runtime });
    using feed = new DataSubscriber(config, stream, { runtime });
    send(out, 1);
    assertEquals(drain(feed), [0]);
    let corrupt = 0;
    for (const place of PLACES) {
      for (const bit of place === FLAGS ? range(0, 8) : [place % 8]) {
        const sequence = out.nextSequence + 1;
        send(out, 2);
        lane.spoil(runtime, out, sequence - 1, place, 1 << bit);
        corrupt++;
        // A stamp that says "not yet" is believed until the head is asked.
        const got = drain(feed);
        while (got.length === 0) {
          feed.waitSync(100);
          got.push(...drain(feed));
        }
        assertEquals(got, [sequence], `byte ${place}, bit ${bit}`);
        assertEquals(feed.getReceiveStats().corruptBlocks, corrupt, `byte ${place}, bit ${bit}`);
      }
    }
    const { receivedBlocks, missedBlocks, gaps, tornBlocks } = feed.getReceiveStats();
    assertEquals(receivedBlocks + missedBlocks, out.nextSequence);
    assertEquals([missedBlocks, gaps, tornBlocks], [corrupt, corrupt, 0]);
  });

  test(`${lane.name}: corrupt blocks are passed by every way to read, and a run of them is one gap`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const config = lane.config({ checksum: true, queueCapacity: 16 });
    using out = new DataBroadcaster(config, stream, { runtime });
    using feed = new DataSubscriber(config, stream, { runtime });
    using other = new DataSubscriber(config, stream, { runtime });
    send(out, 1);
    assertEquals([drain(feed), drain(other)], [[0], [0]]);
    const spoil = (): void => {
      const first = out.nextSequence;
      send(out, 8);
      for (let count = 0; count < 7; count++) lane.spoil(runtime, out, first + count, HEADER_BYTES + count, 0x10);
      // Verified once for the Worker, and counted for each of its subscribers.
      assertEquals(drain(other), [out.nextSequence - 1]);
    };
    spoil();
    assertEquals(feed.receive(), payload(8));
    spoil();
    using held = feed.receiveBlock()!;
    assertEquals(checkBlock(held), 16);
    held.release();
    spoil();
    for await (const block of feed) {
      assertEquals(checkBlock(block), 24);
      break;
    }
    // Nothing but corrupt blocks: there is none to read.
    send(out, 3);
    for (const sequence of [25, 26, 27]) lane.spoil(runtime, out, sequence, HEADER_BYTES, 0x10);
    assertEquals([feed.poll(() => {}), feed.receive(), feed.receiveBlock()], [0, null, null]);
    send(out, 1);
    assertEquals([drain(feed), drain(other)], [[28], [28]]);
    for (const { receivedBlocks, missedBlocks, corruptBlocks, gaps } of [feed, other].map((f) => f.getReceiveStats())) {
      assertEquals([receivedBlocks, missedBlocks, corruptBlocks, gaps], [5, 24, 24, 4]);
    }
  });

  test(`${lane.name}: blocks of a broadcaster without checksums are taken as they are`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config({ checksum: true }), stream, { runtime });
    send(out, 3, 8160);
    assertEquals(drain(feed, 8160), [0, 1, 2]);
    assertEquals(feed.getReceiveStats().corruptBlocks, 0);
  });

  test(`${lane.name}: corrupt blocks of the past are passed by who comes late`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const config = lane.config({ checksum: true, queueCapacity: 16, history: 8 });
    using out = new DataBroadcaster(config, stream, { runtime });
    using early = new DataSubscriber(config, stream, { runtime });
    send(out, 6);
    // The sequence, the data, the checksum.
    lane.spoil(runtime, out, 1, 3, 0x40);
    lane.spoil(runtime, out, 2, HEADER_BYTES, 1);
    lane.spoil(runtime, out, 4, BLOCK_BYTES - 8, 1);
    using late = new DataSubscriber(config, stream, { runtime });
    assertEquals([drain(early), drain(late)], [[0, 3, 5], [0, 3, 5]]);
    send(out, 2);
    assertEquals([drain(early), drain(late)], [[6, 7], [6, 7]]);
    for (const { receivedBlocks, missedBlocks, corruptBlocks, gaps } of [early, late].map((f) => f.getReceiveStats())) {
      assertEquals([receivedBlocks, missedBlocks, corruptBlocks, gaps], [5, 3, 3, 2]);
    }
  });
}
