// SPDX-License-Identifier: Apache-2.0
// Loss of a lossy lane: what a slow reader keeps, and that every block it lost is counted.
import { test } from "node:test";
import { assert, assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import { DataBroadcaster, DataSubscriber } from "../../mod.ts";
import type { Lane } from "./lane.ts";
import { drain, newStream, range, send } from "./tools.ts";

/** Ascending, up to the last one sent, and as many as the capacity allows. */
function checkKept(lane: Lane, kept: readonly number[], capacity: number, sent: number): void {
  assertEquals(kept, range(sent - kept.length, sent));
  assertLessOrEqual(kept.length, capacity);
  assertGreaterOrEqual(kept.length, lane.keptAtLeast(capacity));
}

export function testLoss(lane: Lane): void {
  for (const queueCapacity of [lane.queueCapacityMin, 32, 100, 256]) {
    test(`${lane.name}: with a capacity of ${queueCapacity} the newest blocks are kept and the others counted`, async () => {
      await using stand = await lane.open();
      const { runtime } = stand;
      const stream = newStream();
      const config = lane.config({ queueCapacity });
      using out = new DataBroadcaster(config, stream, { runtime });
      using feed = new DataSubscriber(config, stream, { runtime });
      const capacity = feed.queueCapacity;
      assertGreaterOrEqual(capacity, queueCapacity);
      send(out, 1);
      assertEquals(drain(feed), [0]);
      send(out, capacity * 3);
      const kept = drain(feed);
      checkKept(lane, kept, capacity, out.nextSequence);
      const stats = feed.getReceiveStats();
      assertEquals(stats.receivedBlocks, 1 + kept.length);
      assertEquals(stats.missedBlocks, capacity * 3 - kept.length);
      assertEquals(stats.gaps, 1);
      assertEquals(stats.receivedBlocks + stats.missedBlocks, out.getStats().sentBlocks);
    });
  }

  test(`${lane.name}: as many blocks as the capacity wait without loss`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const config = lane.config({ queueCapacity: 32 });
    using out = new DataBroadcaster(config, stream, { runtime });
    using feed = new DataSubscriber(config, stream, { runtime });
    for (let round = 0; round < 10; round++) {
      send(out, lane.keptAtLeast(32));
      assertEquals(drain(feed).length, lane.keptAtLeast(32));
    }
    assertEquals(feed.getReceiveStats().missedBlocks, 0);
  });

  test(`${lane.name}: received and missed blocks add up to the sent ones through many overruns`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const config = lane.config({ queueCapacity: 32 });
    using out = new DataBroadcaster(config, stream, { runtime });
    using feed = new DataSubscriber(config, stream, { runtime });
    const got: number[] = [];
    let gaps = 0;
    for (let round = 0; round < 60; round++) {
      send(out, 1 + (round * 37) % 90);
      // Sometimes everything is read, sometimes a part.
      const limit = round % 3 === 0 ? Infinity : 1 + round % 20;
      feed.poll((block) => {
        if (got.length > 0 && block.sequence !== got.at(-1)! + 1) gaps++;
        got.push(block.sequence);
      }, limit);
      const { receivedBlocks, missedBlocks } = feed.getReceiveStats();
      assertEquals(receivedBlocks, got.length);
      assertEquals(receivedBlocks + missedBlocks, got.at(-1)! - got[0]! + 1);
      assertEquals(feed.getReceiveStats().gaps, gaps);
    }
    got.push(...drain(feed));
    assertEquals(got.at(-1), out.nextSequence - 1);
    assert(got.every((sequence, index) => index === 0 || sequence > got[index - 1]!), "in order, each once");
    assert(gaps > 0);
    const { receivedBlocks, missedBlocks } = feed.getReceiveStats();
    assertEquals(receivedBlocks + missedBlocks, out.getStats().sentBlocks - got[0]!);
  });

  test(`${lane.name}: blocks lost before the first one received are not counted, as nobody knows them`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const config = lane.config({ queueCapacity: 32 });
    using out = new DataBroadcaster(config, stream, { runtime, firstSequence: 1000 });
    using feed = new DataSubscriber(config, stream, { runtime });
    send(out, 5);
    assertEquals(drain(feed), range(1000, 1005));
    assertEquals(feed.getReceiveStats().missedBlocks, 0);
  });

  test(`${lane.name}: a slow subscriber loses for itself only`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const config = lane.config({ queueCapacity: 64 });
    using out = new DataBroadcaster(config, stream, { runtime });
    using quick = new DataSubscriber(config, stream, { runtime });
    using slow = new DataSubscriber(config, stream, { runtime });
    using asleep = new DataSubscriber(config, stream, { runtime });
    const quickGot: number[] = [];
    const slowGot: number[] = [];
    for (let round = 0; round < 50; round++) {
      send(out, 20);
      quickGot.push(...drain(quick));
      slow.poll((block) => void slowGot.push(block.sequence), 5);
    }
    slowGot.push(...drain(slow));
    assertEquals(quickGot, range(0, 1000));
    assertEquals(quick.getReceiveStats().missedBlocks, 0);
    const stats = slow.getReceiveStats();
    assertEquals(stats.receivedBlocks, slowGot.length);
    assertEquals(stats.receivedBlocks + stats.missedBlocks, 1000);
    assert(stats.missedBlocks > 0 && stats.gaps > 0);
    checkKept(lane, drain(asleep), 64, 1000);
  });

  test(`${lane.name}: the losses of two broadcasters are counted apart and add up`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const config = lane.config({ queueCapacity: 32 });
    using one = new DataBroadcaster(config, stream, { runtime });
    using two = new DataBroadcaster(config, stream, { runtime, firstSequence: 5000 });
    using feed = new DataSubscriber(config, stream, { runtime });
    const last = new Map<bigint, number>();
    let missed = 0;
    const read = (): void => {
      while (
        feed.poll((block) => {
          const before = last.get(block.epoch);
          if (before !== undefined) missed += block.sequence - before - 1;
          last.set(block.epoch, block.sequence);
        }) > 0
      );
    };
    for (const out of [one, two]) send(out, 1);
    read();
    for (let round = 0; round < 20; round++) {
      for (let turn = 0; turn < 30; turn++) {
        send(one, 1);
        send(two, 2);
      }
      read();
    }
    assertEquals([last.get(one.epoch), last.get(two.epoch)], [one.nextSequence - 1, two.nextSequence - 1]);
    const stats = feed.getReceiveStats();
    assertEquals(stats.missedBlocks, missed);
    assertEquals(stats.receivedBlocks + missed, one.getStats().sentBlocks + two.getStats().sentBlocks);
    assert(missed > 0);
  });

  if (lane.hasOwnCapacity) {
    test(`${lane.name}: subscribers that share a port have the capacity that each asked for`, async () => {
      await using stand = await lane.open();
      const { runtime } = stand;
      const stream = newStream();
      using out = new DataBroadcaster(lane.config(), stream, { runtime });
      const capacities = [1, 2, 7, 100, 256];
      const feeds = capacities.map((queueCapacity) =>
        new DataSubscriber(lane.config({ queueCapacity }), stream, { runtime })
      );
      send(out, 1);
      for (const feed of feeds) assertEquals(drain(feed), [0]);
      for (let round = 1; round <= 5; round++) {
        send(out, 200);
        // The largest reads all, so that what the port has taken is much more than the others may have.
        assertEquals(drain(feeds[4]!), range(out.nextSequence - 200, out.nextSequence));
      }
      capacities.slice(0, 4).forEach((capacity, index) => {
        assertEquals(feeds[index]!.queueCapacity, capacity);
        assertEquals(drain(feeds[index]!), range(out.nextSequence - capacity, out.nextSequence));
        const { missedBlocks, gaps } = feeds[index]!.getReceiveStats();
        assertEquals([missedBlocks, gaps], [1000 - capacity, 1]);
      });
      assertEquals(feeds[4]!.getReceiveStats().missedBlocks, 0);
      for (const feed of feeds) feed.close();
    });
  }

  const { queueCapacityMax } = lane;
  if (queueCapacityMax !== null) {
    test(`${lane.name}: a larger capacity than ${queueCapacityMax} works, and what is in force can be read`, async () => {
      await using stand = await lane.open();
      const { runtime } = stand;
      const stream = newStream();
      const config = lane.config({ queueCapacity: queueCapacityMax * 8 });
      using out = new DataBroadcaster(config, stream, { runtime });
      using feed = new DataSubscriber(config, stream, { runtime });
      assertEquals(feed.queueCapacity, queueCapacityMax);
      assertEquals(feed.config.queueCapacity, queueCapacityMax * 8);
      send(out, queueCapacityMax * 2);
      checkKept(lane, drain(feed), queueCapacityMax, out.nextSequence);
    });
  }
}
