// SPDX-License-Identifier: Apache-2.0
// Several subscribers of one Worker, each with a position, statistics and a capacity of its own.
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { DataBroadcaster, DataSubscriber, SubscriberLimitError } from "../../mod.ts";
import { waitFor } from "../support/wait.ts";
import type { Lane } from "./lane.ts";
import { checkBlock, drain, newStream, range, send } from "./tools.ts";

export function testMany(lane: Lane): void {
  test(`${lane.name}: subscribers of one stream have positions and statistics of their own`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const config = lane.config({ queueCapacity: 128 });
    using out = new DataBroadcaster(config, stream, { runtime });
    using one = new DataSubscriber(config, stream, { runtime });
    send(out, 10);
    using two = new DataSubscriber(config, stream, { runtime });
    send(out, 10);
    assertEquals(one.poll(() => {}, 3), 3);
    using three = new DataSubscriber(config, stream, { runtime });
    send(out, 10, 32);
    const read = (feed: DataSubscriber): number[] => {
      const sequences: number[] = [];
      while (feed.poll((block) => void sequences.push(checkBlock(block, block.sequence < 20 ? 64 : 32))) > 0);
      return sequences;
    };
    assertEquals(read(two), range(10, 30));
    assertEquals(three.receive()?.length, 32);
    assertEquals(read(three), range(21, 30));
    assertEquals(read(one), range(3, 30));
    const figures = [one, two, three].map((feed) => {
      const { receivedBlocks, receivedRecords, receivedBytes, missedBlocks } = feed.getReceiveStats();
      return [receivedBlocks, receivedRecords, receivedBytes, missedBlocks];
    });
    assertEquals(figures, [[30, 30, 1600, 0], [20, 20, 960, 0], [10, 10, 320, 0]]);
  });

  test(`${lane.name}: closing one subscriber changes nothing for the others`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const config = lane.config({ queueCapacity: 128 });
    using out = new DataBroadcaster(config, stream, { runtime });
    const feeds = range(0, 5).map(() => new DataSubscriber(config, stream, { runtime }));
    const got = feeds.map((): number[] => []);
    for (let turn = 0; turn < 5; turn++) {
      send(out, 20);
      const held = feeds[turn]!.receiveBlock()!;
      assertEquals(checkBlock(held), got[turn]!.length);
      // With blocks unread and one held.
      feeds[turn]!.close();
      assertEquals(held.released, true);
      feeds.forEach((feed, index) => index > turn && got[index]!.push(...drain(feed)));
    }
    assertEquals(got.map((sequences) => sequences.length), [0, 20, 40, 60, 80]);
    got.forEach((sequences) => assertEquals(sequences, range(0, sequences.length)));
    // The last one took the port with it; the stream can be joined again.
    using again = new DataSubscriber(config, stream, { runtime });
    send(out, 3);
    assertEquals(drain(again), [100, 101, 102]);
  });

  test(`${lane.name}: getSubscriberCount is true`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    assertEquals([out.getSubscriberCount(), out.hasSubscribers(), out.getStats().subscribers], [0, false, 0]);
    using other = new DataSubscriber(lane.config(), newStream(), { runtime });
    using one = new DataSubscriber(lane.config(), stream, { runtime });
    using two = new DataSubscriber(lane.config(), stream, { runtime });
    // One Worker counts once, however many share its port.
    assertEquals([out.getSubscriberCount(), out.hasSubscribers(), out.getStats().subscribers], [1, true, 1]);
    one.close();
    other.close();
    assertEquals([out.getSubscriberCount(), out.hasSubscribers()], [1, true]);
    two.close();
    // The stack may take a moment to forget a port.
    await waitFor(() => out.getSubscriberCount() === 0);
    assertEquals([out.hasSubscribers(), out.getStats().subscribers], [false, 0]);
  });

  test(`${lane.name}: 1000 subscribers of one Worker get every block`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const config = lane.config({ queueCapacity: 64 });
    using out = new DataBroadcaster(config, stream, { runtime });
    const feeds = range(0, 1000).map(() => new DataSubscriber(config, stream, { runtime }));
    for (let turn = 0; turn < 3; turn++) {
      const first = out.nextSequence;
      send(out, 20);
      for (const feed of feeds) assertEquals(drain(feed), range(first, first + 20));
    }
    for (const feed of feeds) {
      const { receivedBlocks, missedBlocks, receivedBytes } = feed.getReceiveStats();
      assertEquals([receivedBlocks, missedBlocks, receivedBytes], [60, 0, 60 * 64]);
    }
    for (const feed of feeds) feed.close();
    await waitFor(() => out.getSubscriberCount() === 0);
  });

  test(`${lane.name}: maxSubscribers is enforced, and a closed subscriber makes room`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const config = lane.config({ maxSubscribers: 3 });
    const feeds = range(0, 3).map(() => new DataSubscriber(config, stream, { runtime }));
    const error = assertThrows(() => new DataSubscriber(config, stream, { runtime }), SubscriberLimitError);
    assertEquals([error.value, error.limit], [4, 3]);
    using elsewhere = new DataSubscriber(config, newStream(), { runtime });
    feeds[1]!.close();
    using fourth = new DataSubscriber(config, stream, { runtime });
    assertThrows(() => new DataSubscriber(config, stream, { runtime }), SubscriberLimitError);
    for (const feed of [...feeds, fourth, elsewhere]) feed.close();
  });
}
