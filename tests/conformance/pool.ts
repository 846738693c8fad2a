// SPDX-License-Identifier: Apache-2.0
// A pool that readers have used up: an expected outcome, counted. On a lossy lane each refused block is a hole that readers see;
// on a lossless one it is no block yet, because it will be offered again.
import { test } from "node:test";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { type Block, DataBroadcaster, DataSubscriber, MarketDataType, Tick } from "../../mod.ts";
import type { Lane, Stand } from "./lane.ts";
import { checkBlock, drain, newStream, payload, range, send } from "./tools.ts";

const TYPE = MarketDataType.Unknown;
const POOL_BLOCKS = 64;

interface Exhausted {
  readonly stand: Stand;
  readonly out: DataBroadcaster;
  readonly feed: DataSubscriber;
  /** How many blocks were sent before the first refusal, which was made too. */
  readonly sent: number;
}

/** A broadcaster whose pool is empty, because all of its blocks wait for one subscriber. */
async function exhaust(lane: Lane): Promise<Exhausted> {
  const stand = await lane.open({ blocks: POOL_BLOCKS });
  const { runtime } = stand;
  const stream = newStream();
  const out = new DataBroadcaster(lane.config({ queueCapacity: 256, flushAfterMs: 60_000 }), stream, { runtime });
  const feed = new DataSubscriber(lane.config({ queueCapacity: 256 }), stream, { runtime });
  while (out.broadcast(payload(out.nextSequence), 1, TYPE));
  const { sentBlocks: sent, refusedBlocks } = out.getStats();
  assertEquals(refusedBlocks, 1);
  assertGreater(sent, POOL_BLOCKS / 2);
  return { stand, out, feed, sent };
}

export function testPool(lane: Lane): void {
  const takes = lane.delivery === "lossy" ? 1 : 0;

  test(`${lane.name}: an empty pool refuses blocks, counted, and each refusal takes ${takes} sequence`, async () => {
    const { stand, out, feed, sent } = await exhaust(lane);
    await using _ = stand;
    assertEquals(out.nextSequence, sent + takes);
    assertEquals(out.broadcast(payload(0), 1, TYPE), false);
    assertEquals(out.loan(), null);
    assertEquals(out.broadcastBatch(payload(0, 720), 10, TYPE), 0);
    assertEquals(out.nextSequence, sent + 4 * takes);
    const stats = out.getStats();
    assertEquals([stats.sentBlocks, stats.refusedBlocks, stats.errors, stats.sentRecords], [sent, 4, 0, sent]);

    assertEquals(drain(feed), range(0, sent));
    assertEquals(feed.getReceiveStats().missedBlocks, 0);
    send(out, 2);
    assertEquals(drain(feed), range(sent + 4 * takes, sent + 4 * takes + 2));
    const { receivedBlocks, missedBlocks, gaps } = feed.getReceiveStats();
    assertEquals([receivedBlocks, missedBlocks, gaps], [sent + 2, 4 * takes, takes]);
  });

  test(`${lane.name}: blocks that are held keep the pool empty until they are released`, async () => {
    await using stand = await lane.open({ blocks: POOL_BLOCKS });
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    const held: Block[] = [];
    while (out.broadcast(payload(out.nextSequence), 1, TYPE)) held.push(feed.receiveBlock()!);
    const count = held.length;
    assertGreater(count, POOL_BLOCKS / 2);
    assertEquals(held.map((block) => checkBlock(block)), range(0, count));
    held.shift()!.release();
    assertEquals(out.broadcast(payload(out.nextSequence), 1, TYPE), true);
    held.push(feed.receiveBlock()!);
    assertEquals(held.map((block) => checkBlock(block)), [...range(1, count), count + takes]);
    for (const block of held) block.release();
    send(out, count);
    assertEquals(drain(feed), range(count + takes + 1, out.nextSequence));
  });

  test(`${lane.name}: waitForRoom waits for the pool, too, once it was found empty`, async () => {
    const { stand, out, feed } = await exhaust(lane);
    await using _ = stand;
    assertEquals([out.waitForRoomSync(20), await out.waitForRoom(20)], [false, false]);
    const before = out.nextSequence;
    const waiting = out.waitForRoom(30_000);
    feed.poll(() => {}, 10);
    assertEquals(await waiting, true);
    assertEquals([out.waitForRoomSync(0), out.nextSequence], [true, before]);
    send(out, 1);
  });

  test(`${lane.name}: a record writer keeps its records while the pool is empty`, async () => {
    const { stand, out, feed, sent } = await exhaust(lane);
    await using _ = stand;
    const ticks = out.writer(Tick);
    let written = 0;
    const tick = { timestampNs: 0n, last: 0, bid: 0, ask: 0, volume: 0n, symbol: "" };
    while (ticks.write({ ...tick, last: written })) written++;
    assertEquals([written, ticks.pending, ticks.flush()], [ticks.capacity, ticks.capacity, false]);
    assertEquals(drain(feed).length, sent);
    assertEquals(ticks.flush(), true);
    using block = feed.receiveBlock()!;
    assertEquals(block.records(Tick).toArray().map(({ last }) => last), range(0, written));
  });

  test(`${lane.name}: records that find no room at close count as a refused block`, async () => {
    const { stand, out } = await exhaust(lane);
    await using _ = stand;
    const before = out.getStats().refusedBlocks;
    out.writer(Tick).write({ timestampNs: 0n, last: 0, bid: 0, ask: 0, volume: 0n, symbol: "" });
    out.close();
    assertEquals(out.getStats().refusedBlocks, before + 1);
  });

  test(`${lane.name}: a discarded loan gives its block back to the pool and takes no sequence`, async () => {
    await using stand = await lane.open({ blocks: POOL_BLOCKS });
    const { runtime } = stand;
    using out = new DataBroadcaster(lane.config(), newStream(), { runtime });
    for (let turn = 0; turn < POOL_BLOCKS * 3; turn++) {
      const loan = out.loan();
      assert(loan !== null);
      loan.discard();
    }
    assertEquals([out.nextSequence, out.getStats().refusedBlocks], [0, 0]);
  });
}
