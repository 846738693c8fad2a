// SPDX-License-Identifier: Apache-2.0
// Back-pressure of a lossless lane: a full reader makes the broadcaster wait, and nothing is lost.
import { test } from "node:test";
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { ArgumentError, ClosedError, DataBroadcaster, DataSubscriber, MarketDataType, Tick } from "../../mod.ts";
import type { Lane } from "./lane.ts";
import { checkBlock, drain, fill, newStream, payload, range, send } from "./tools.ts";

const TYPE = MarketDataType.Unknown;

export function testBackPressure(lane: Lane): void {
  const config = lane.config({ queueCapacity: 32 });

  test(`${lane.name}: a full subscriber refuses blocks, which take no sequence, and nothing is lost`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(config, stream, { runtime });
    using feed = new DataSubscriber(config, stream, { runtime });
    const taken = fill(out);
    assertLessOrEqual(taken, lane.takenAtMost(32));
    assertGreaterOrEqual(taken, lane.keptAtLeast(32));
    for (let again = 0; again < 5; again++) assertEquals(out.broadcast(payload(0), 1, TYPE), false);
    assertEquals(out.loan(), null);
    assertEquals(out.nextSequence, taken);
    const { sentBlocks, refusedBlocks, errors } = out.getStats();
    assertEquals([sentBlocks, refusedBlocks, errors], [taken, 7, 0]);
    assertEquals(drain(feed), range(0, taken));
    send(out, 1);
    assertEquals(drain(feed), [taken]);
    assertEquals(feed.getReceiveStats().missedBlocks, 0);
  });

  test(`${lane.name}: however reading and writing alternate, every block arrives once`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(config, stream, { runtime });
    using feed = new DataSubscriber(config, stream, { runtime });
    const got: number[] = [];
    let refused = 0;
    for (let turn = 0; turn < 300; turn++) {
      for (let count = (turn * 13) % 41; count > 0; count--) {
        if (!out.broadcast(payload(out.nextSequence), 1, TYPE)) refused++;
      }
      feed.poll((block) => void got.push(checkBlock(block)), 1 + (turn * 7) % 29);
    }
    got.push(...drain(feed));
    assertEquals(got, range(0, out.nextSequence));
    assertEquals(out.getStats().refusedBlocks, refused);
    assert(refused > 0);
  });

  test(`${lane.name}: waitForRoom and waitForRoomSync tell whether there is room, at once or after a time`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(config, stream, { runtime });
    assertEquals([out.waitForRoomSync(0), await out.waitForRoom(0)], [true, true]);
    using feed = new DataSubscriber(config, stream, { runtime });
    fill(out);
    assertEquals([out.waitForRoomSync(0), await out.waitForRoom(0)], [false, false]);
    const began = performance.now();
    assertEquals(out.waitForRoomSync(20), false);
    assertEquals(await out.waitForRoom(20), false);
    assertGreaterOrEqual(performance.now() - began, 39);
    drain(feed);
    assertEquals([out.waitForRoomSync(0), await out.waitForRoom(0)], [true, true]);
    for (const wrong of [-1, NaN, "1", undefined] as number[]) {
      assertThrows(() => out.waitForRoomSync(wrong), ArgumentError);
      await assertRejects(() => out.waitForRoom(wrong), ArgumentError);
    }
  });

  test(`${lane.name}: waitForRoom lets the event loop turn and ends when somebody reads`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(config, stream, { runtime });
    using feed = new DataSubscriber(config, stream, { runtime });
    const got: number[] = [];
    const reading = setInterval(() => feed.poll((block) => void got.push(checkBlock(block))), 1);
    while (out.nextSequence < 500) {
      if (!out.broadcast(payload(out.nextSequence), 1, TYPE)) assertEquals(await out.waitForRoom(10_000), true);
    }
    clearInterval(reading);
    got.push(...drain(feed));
    assertEquals(got, range(0, 500));
    assert(out.getStats().refusedBlocks > 0);
  });

  test(`${lane.name}: waitForRoom ends with false when the broadcaster is closed`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(config, stream, { runtime });
    using _feed = new DataSubscriber(config, stream, { runtime });
    fill(out);
    const waiting = out.waitForRoom(60_000);
    out.close();
    assertEquals(await waiting, false);
    await assertRejects(() => out.waitForRoom(0), ClosedError);
    assertThrows(() => out.waitForRoomSync(0), ClosedError);
  });

  test(`${lane.name}: broadcastBatch says how many records found room, and the rest can follow`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(config, stream, { runtime });
    using feed = new DataSubscriber(config, stream, { runtime });
    const records = 113 * 100 + 50;
    const data = payload(5, records * 72);
    const got: number[] = [];
    let sent = 0;
    while (sent < records) {
      const count = Math.min(10_000, records - sent);
      const now = out.broadcastBatch(data.subarray(sent * 72, (sent + count) * 72), count, TYPE);
      // What was sent are whole blocks, but for the end of the batch.
      assert(now === count || now % 113 === 0);
      sent += now;
      while (feed.poll((block) => void got.push(...block.data)) > 0);
    }
    assertEquals(got.length, data.length);
    assert(data.every((byte, index) => byte === got[index]));
    assertEquals(out.getStats().sentRecords, records);
    assert(out.getStats().refusedBlocks > 0);
  });

  test(`${lane.name}: a record writer takes records until its block is full and there is no room`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(config.with({ flushAfterMs: 60_000 }), stream, { runtime });
    using feed = new DataSubscriber(config, stream, { runtime });
    const ticks = out.writer(Tick);
    let written = 0;
    const write = (): boolean =>
      ticks.write({ timestampNs: BigInt(written), last: written, bid: 0, ask: 0, volume: 0n, symbol: "S" });
    while (write()) written++;
    assertEquals(ticks.pending, ticks.capacity);
    assertEquals([write(), ticks.flush()], [false, false]);
    const got: number[] = [];
    const read = (): void => {
      while (
        feed.poll((block) => {
          for (const tick of block.records(Tick)) got.push(tick.last);
        }) > 0
      );
    };
    read();
    assert(write());
    written++;
    assert(ticks.flush());
    read();
    assertEquals(got, range(0, written));
  });
}
