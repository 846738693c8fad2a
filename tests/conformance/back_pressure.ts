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
import { checkBlock, drain, newStream, payload, range, send } from "./tools.ts";

const TYPE = MarketDataType.Unknown;

/** Broadcasts until there is no room, or up to a sequence; returns how many blocks were taken. */
function fill(out: DataBroadcaster, end: number = Infinity): number {
  const first = out.nextSequence;
  while (out.nextSequence < end && out.broadcast(payload(out.nextSequence), 1, TYPE));
  return out.nextSequence - first;
}

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

  test(`${lane.name}: the slowest of several subscribers sets the pace, until it is closed`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(config, stream, { runtime });
    using quick = new DataSubscriber(config, stream, { runtime });
    using slow = new DataSubscriber(config, stream, { runtime });
    using small = new DataSubscriber(lane.config({ queueCapacity: 16 }), stream, { runtime });
    const got: [DataSubscriber, number[]][] = [[quick, []], [slow, []], [small, []]];
    const read = (who: number, limit?: number): void => {
      got[who]![0].poll((block) => void got[who]![1].push(checkBlock(block)), limit);
    };
    for (let turn = 0; turn < 100; turn++) {
      fill(out);
      read(0);
      read(1, 3);
      read(2);
    }
    const readAll = (): void => {
      const counts = () => got.map(([feed]) => feed.getReceiveStats().receivedBlocks);
      for (let before = [-1]; String(before) !== String(counts());) {
        before = counts();
        for (const [who, [feed]] of got.entries()) if (!feed.closed) read(who);
      }
    };
    readAll();
    for (const [feed, sequences] of got) {
      assertEquals(sequences, range(0, out.nextSequence));
      assertEquals(feed.getReceiveStats().missedBlocks, 0);
    }
    fill(out);
    for (let turn = 0; turn < 3; turn++) {
      drain(quick);
      drain(small);
    }
    slow.close();
    // The stack may take a moment to forget a port.
    assert(out.waitForRoomSync(10_000));
    send(out, 1);
    readAll();
    assertEquals(quick.getReceiveStats().receivedBlocks, out.nextSequence);
  });

  test(`${lane.name}: a quick loop beside a slow one sleeps until the slow one has read, and starves nobody`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(config, stream, { runtime });
    using quick = new DataSubscriber(config, stream, { runtime });
    using slow = new DataSubscriber(config, stream, { runtime });
    const quickGot: number[] = [];
    const reading = (async () => {
      for await (const block of quick) if (quickGot.push(checkBlock(block)) === 300) break;
    })();
    const slowGot: number[] = [];
    while (slowGot.length < 300) {
      if (out.nextSequence < 300) fill(out, 300);
      await new Promise((resolve) => setTimeout(resolve, 1));
      slow.poll((block) => void slowGot.push(checkBlock(block)), 7);
    }
    await reading;
    assertEquals([quickGot, slowGot], [range(0, 300), range(0, 300)]);
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

  test(`${lane.name}: eight loans never overfill a queue: each can be published, and nothing is lost`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(config, stream, { runtime });
    using feed = new DataSubscriber(config, stream, { runtime });
    for (let turn = 0; turn < 10; turn++) {
      send(out, Math.max(0, lane.keptAtLeast(32) - 3));
      const loans = [];
      while (loans.length < lane.loansMax) {
        const loan = out.loan();
        if (loan === null) break;
        loans.push(loan);
      }
      for (const loan of loans) {
        loan.data.set(payload(out.nextSequence));
        assertEquals(loan.publish(64, 1, TYPE), true);
      }
      const got = drain(feed);
      assertEquals(got.at(-1), out.nextSequence - 1);
    }
    assertEquals(feed.getReceiveStats().receivedBlocks, out.nextSequence);
  });

  test(`${lane.name}: a loan whose room another broadcaster took is refused, and published later`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using feed = new DataSubscriber(config, stream, { runtime });
    using out = new DataBroadcaster(config, stream, { runtime });
    using other = new DataBroadcaster(config, stream, { runtime });
    const loan = out.loan()!;
    loan.data.set(payload(0));
    fill(other);
    if (loan.publish(64, 1, TYPE)) assertEquals(out.nextSequence, 1); // A lane with a queue for each broadcaster.
    else {
      assertEquals([out.nextSequence, out.getStats().refusedBlocks], [0, 1]);
      assertEquals(loan.publish(64, 1, TYPE), false);
      drain(feed);
      assertEquals(loan.publish(64, 1, TYPE), true);
    }
    assertEquals(drain(feed).at(-1), 0);
    assertEquals(feed.getReceiveStats().receivedBlocks, other.nextSequence + 1);
  });

  test(`${lane.name}: a subscriber that comes while loans are out and has no room for them is not waited for`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(config, stream, { runtime });
    const loans = range(0, lane.loansMax).map(() => out.loan()!);
    using late = new DataSubscriber(lane.config({ queueCapacity: 1 }), stream, { runtime });
    const got: number[] = [];
    for (const loan of loans) {
      loan.data.set(payload(out.nextSequence));
      while (!loan.publish(64, 1, TYPE)) got.push(...drain(late));
    }
    got.push(...drain(late));
    assertEquals(got, range(0, lane.loansMax));
  });
}
