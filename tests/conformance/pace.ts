// SPDX-License-Identifier: Apache-2.0
// Several ends of a lossless lane at once: who waits for whom, and that nobody waits for ever.
import { test } from "node:test";
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { DataBroadcaster, DataSubscriber, MarketDataType } from "../../mod.ts";
import { waitFor } from "../support/wait.ts";
import type { Lane } from "./lane.ts";
import { checkBlock, drain, fill, newStream, payload, range, send } from "./tools.ts";

const TYPE = MarketDataType.Unknown;

export function testPace(lane: Lane): void {
  const config = lane.config({ queueCapacity: 32 });

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

  test(`${lane.name}: a loop is woken by each block that a slower subscriber reads, and by its close`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(config, stream, { runtime });
    using quick = new DataSubscriber(config, stream, { runtime });
    using slow = new DataSubscriber(config, stream, { runtime });
    const got: number[] = [];
    const reading = (async () => {
      for await (const block of quick) got.push(checkBlock(block));
    })();
    let sent = 0;
    const settle = async (): Promise<void> => {
      do {
        sent = out.nextSequence;
        fill(out);
        for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setTimeout(resolve, 0));
      } while (out.nextSequence > sent);
    };
    await settle();
    // The slow one has read nothing: what waits for it is bounded, in its own hands and in the stack's.
    assertLessOrEqual(sent, 2 * lane.takenAtMost(32));
    const before = got.length;
    for (let read = 1; read <= 5; read++) {
      slow.poll((block) => void checkBlock(block), 1);
      fill(out);
      await waitFor(() => got.length >= before + read);
      await settle();
    }
    const all = out.nextSequence;
    slow.close();
    await waitFor(() => got.length === all);
    assertEquals(got, range(0, all));
    quick.close();
    await reading;
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
    const rest = drain(feed);
    if (lane.isOneQueue) assertEquals(rest.at(-1), 0);
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
