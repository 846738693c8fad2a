// SPDX-License-Identifier: Apache-2.0
// What a late subscriber gets of the past.
import { test } from "node:test";
import { assertEquals, assertGreaterOrEqual, assertThrows } from "@std/assert";
import { ConfigError, DataBroadcaster, DataSubscriber } from "../../mod.ts";
import type { Lane } from "./lane.ts";
import { checkBlock, drain, newStream, range, send } from "./tools.ts";

export function testHistory(lane: Lane): void {
  const kept = (history: number): number => lane.historyMax === null ? history : Math.min(history, lane.historyMax);

  for (const history of [1, 5, 16]) {
    test(`${lane.name}: a late subscriber begins with the last ${history} when it asks for as many`, async () => {
      await using stand = await lane.open();
      const { runtime } = stand;
      const stream = newStream();
      using out = new DataBroadcaster(lane.config({ history: 16 }), stream, { runtime });
      send(out, 40);
      using late = new DataSubscriber(lane.config(), stream, { runtime, history });
      send(out, 3);
      assertEquals(drain(late), range(40 - history, 43));
      assertEquals(late.getReceiveStats().missedBlocks, 0);
    });
  }

  test(`${lane.name}: a late subscriber that asks for no history begins with the next block`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config({ history: 16 }), stream, { runtime });
    send(out, 20);
    using late = new DataSubscriber(lane.config(), stream, { runtime });
    assertEquals(late.hasData(), false);
    send(out, 2);
    assertEquals(drain(late), [20, 21]);
  });

  test(`${lane.name}: more history than was sent gives all that was sent`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config({ history: 16 }), stream, { runtime });
    send(out, 3);
    using late = new DataSubscriber(lane.config({ history: 16 }), stream, { runtime });
    assertEquals(late.hasData(), true);
    assertEquals(drain(late), [0, 1, 2]);
  });

  test(`${lane.name}: more history than is kept gives what is kept`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config({ history: 4 }), stream, { runtime });
    if (lane.keepsPast) assertGreaterOrEqual(out.historyDepth, 4);
    else assertEquals(out.historyDepth, 4);
    send(out, 100);
    using late = new DataSubscriber(lane.config({ history: 16 }), stream, { runtime });
    assertEquals(drain(late).slice(-4), [96, 97, 98, 99]);
    assertEquals(late.getReceiveStats().missedBlocks, 0);
  });

  test(`${lane.name}: historyDepth says what is in force of a large demand`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config({ history: 200 }), stream, { runtime });
    if (lane.keepsPast) assertGreaterOrEqual(out.historyDepth, 200);
    else assertEquals(out.historyDepth, kept(200));
    send(out, 220);
    using late = new DataSubscriber(lane.config({ history: 200 }), stream, { runtime });
    assertEquals(drain(late), range(220 - kept(200), 220));
  });

  test(`${lane.name}: a late subscriber beside a live one gets its history without duplicates or holes`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config({ history: 16 }), stream, { runtime });
    using live = new DataSubscriber(lane.config(), stream, { runtime });
    const liveGot: number[] = [];
    for (let turn = 0; turn < 10; turn++) {
      send(out, 23);
      // With nothing, some and all of what was sent still unread by the live one.
      live.poll((block) => void liveGot.push(checkBlock(block)), turn % 3 === 0 ? Infinity : 10);
      const sent = out.nextSequence;
      using late = new DataSubscriber(lane.config({ history: 1 + turn }), stream, { runtime });
      send(out, 2);
      assertEquals(late.hasData(), true);
      assertEquals(drain(late), range(sent - 1 - turn, sent + 2));
      const { receivedBlocks, missedBlocks, gaps } = late.getReceiveStats();
      assertEquals([receivedBlocks, missedBlocks, gaps], [turn + 3, 0, 0]);
    }
    liveGot.push(...drain(live));
    assertEquals(liveGot, range(0, out.nextSequence));
  });

  test(`${lane.name}: beside a live subscriber with unread blocks, a broadcaster that keeps none has no history to give`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config({ history: 0 }), stream, { runtime });
    using live = new DataSubscriber(lane.config(), stream, { runtime });
    send(out, 10);
    using late = new DataSubscriber(lane.config({ history: 5 }), stream, { runtime });
    send(out, 3);
    assertEquals(drain(late), range(10 - Math.min(5, out.historyDepth), 13));
    assertEquals(drain(live), range(0, 13));
    assertEquals(late.getReceiveStats().missedBlocks, 0);
  });

  if (!lane.isVolatile) {
    test(`${lane.name}: blocks of history can be held, and stay what they are`, async () => {
      await using stand = await lane.open();
      const { runtime } = stand;
      const stream = newStream();
      using out = new DataBroadcaster(lane.config({ history: 8, queueCapacity: 64 }), stream, { runtime });
      using live = new DataSubscriber(lane.config({ queueCapacity: 64 }), stream, { runtime });
      send(out, 8);
      using late = new DataSubscriber(lane.config({ history: 8, queueCapacity: 64 }), stream, { runtime });
      const blocks = range(0, 8).map(() => late.receiveBlock()!);
      for (let turn = 0; turn < 20; turn++) {
        send(out, 50);
        drain(live);
        drain(late);
      }
      assertEquals(blocks.map((block) => checkBlock(block)), range(0, 8));
      for (const block of blocks) block.release();
    });
  }

  test(`${lane.name}: a late subscriber gets the history of each of two broadcasters`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using live = new DataSubscriber(lane.config(), stream, { runtime });
    using one = new DataBroadcaster(lane.config({ history: 16 }), stream, { runtime });
    using two = new DataBroadcaster(lane.config({ history: 16 }), stream, { runtime, firstSequence: 100 });
    send(one, 9);
    send(two, 6);
    for (const again of [false, true]) {
      if (again) live.close();
      using late = new DataSubscriber(lane.config({ history: 4 }), stream, { runtime });
      const got = new Map<bigint, number[]>([[one.epoch, []], [two.epoch, []]]);
      const read = (): void => {
        while (late.poll((block) => void got.get(block.epoch)!.push(checkBlock(block))) > 0);
      };
      const sent = [one.nextSequence, two.nextSequence];
      read();
      send(one, 1);
      send(two, 1);
      read();
      assertEquals(got.get(one.epoch), range(sent[0]! - 4, sent[0]! + 1));
      assertEquals(got.get(two.epoch), range(sent[1]! - 4, sent[1]! + 1));
      assertEquals(late.getReceiveStats().missedBlocks, 0);
    }
  });

  test(`${lane.name}: a subscriber that lost its broadcaster gets the history of the next one`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using first = new DataBroadcaster(lane.config({ history: 4 }), stream, { runtime });
    using feed = new DataSubscriber(lane.config({ history: 4 }), stream, { runtime });
    send(first, 2);
    first.close();
    using second = new DataBroadcaster(lane.config({ history: 4 }), stream, { runtime });
    send(second, 2);
    assertEquals(drain(feed), [0, 1, 0, 1]);
  });

  test(`${lane.name}: more history than bufferDepth is refused`, () => {
    assertThrows(() => lane.config({ history: 33, bufferDepth: 32 }), ConfigError, "history");
  });
}
