// SPDX-License-Identifier: Apache-2.0
// poll, and the loops over a subscriber, as far as they need no second process.
import { test } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ArgumentError,
  type Block,
  BlockReleasedError,
  DataBroadcaster,
  DataSubscriber,
  IterationError,
  POLL_LIMIT_DEFAULT,
} from "../../mod.ts";
import type { Lane } from "./lane.ts";
import { checkBlock, drain, newStream, range, send } from "./tools.ts";

export function testPoll(lane: Lane): void {
  test(`${lane.name}: poll handles up to its limit and says how many`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    send(out, 20);
    const got: number[] = [];
    const handler = (block: Block) => void got.push(checkBlock(block));
    const counts = [feed.poll(handler, 1), feed.poll(handler, 5), feed.poll(handler, Infinity), feed.poll(handler)];
    assertEquals([counts, got], [[1, 5, 14, 0], range(0, 20)]);
    assertEquals(POLL_LIMIT_DEFAULT, 256);
    // deno-lint-ignore no-explicit-any
    const loose = feed as any;
    send(out, 1);
    for (const limit of [0, -1, NaN, 0.5, "x", {}]) assertThrows(() => loose.poll(handler, limit), ArgumentError);
    for (const wrong of [undefined, null, 5, {}]) assertThrows(() => loose.poll(wrong), ArgumentError);
    assertEquals(drain(feed), [20]);
  });

  test(`${lane.name}: a handler that throws has consumed its block, and nothing else`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    send(out, 6);
    const got: number[] = [];
    let kept: Block | undefined;
    const handler = (block: Block): void => {
      kept = block;
      got.push(checkBlock(block));
      if (block.sequence % 2 === 1) throw new Error(`handler ${block.sequence}`);
    };
    for (const sequence of [1, 3, 5]) {
      assertThrows(() => feed.poll(handler), Error, `handler ${sequence}`);
      assertThrows(() => kept!.sequence, BlockReleasedError);
    }
    assertEquals([feed.poll(handler), got], [0, range(0, 6)]);
    const { receivedBlocks, missedBlocks } = feed.getReceiveStats();
    assertEquals([receivedBlocks, missedBlocks], [6, 0]);
  });

  test(`${lane.name}: a handler may poll and receive itself: each block goes to one of them`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    send(out, 8);
    const got: string[] = [];
    const handled = feed.poll((outer) => {
      const before = checkBlock(outer);
      got.push(`outer ${before}`);
      if (before !== 0) return;
      feed.poll((inner) => {
        got.push(`inner ${checkBlock(inner)}`);
        assertEquals(feed.receive()?.length, 64);
      }, 2);
      using held = feed.receiveBlock()!;
      got.push(`held ${checkBlock(held)}`);
      // The outer block is still what it was.
      assertEquals(checkBlock(outer), 0);
    });
    assertEquals(got, ["outer 0", "inner 1", "inner 3", "held 5", "outer 6", "outer 7"]);
    assertEquals([handled, feed.getReceiveStats().receivedBlocks], [3, 8]);
  });

  test(`${lane.name}: a handler may broadcast: what it sends comes in the same poll`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    send(out, 1);
    const got: number[] = [];
    feed.poll((block) => {
      got.push(checkBlock(block));
      if (block.sequence < 50) send(out, 1);
    });
    assertEquals(got, range(0, 51));
  });

  test(`${lane.name}: closing during poll ends it, and the handler's block is released`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using other = new DataSubscriber(lane.config(), stream, { runtime });
    for (const nested of [false, true]) {
      using feed = new DataSubscriber(lane.config(), stream, { runtime });
      send(out, 10);
      let handled = 0;
      const count = feed.poll((block) => {
        if (++handled < 3) return;
        if (nested) feed.poll(() => feed.close());
        else feed.close();
        assertEquals(block.released, false);
        checkBlock(block);
      });
      assertEquals([count, handled, feed.closed], [3, 3, true]);
    }
    assertEquals(drain(other), range(0, 20));
  });

  test(`${lane.name}: for await yields the blocks in order, each until the next turn, across awaits`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    send(out, 100);
    const got: number[] = [];
    const blocks: Block[] = [];
    for await (const block of feed) {
      if (blocks.length > 0) assertEquals(blocks.at(-1)!.released, true);
      await Promise.resolve();
      if (block.sequence % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      got.push(checkBlock(block));
      blocks.push(block);
      if (got.length === 100) break;
    }
    assertEquals(got, range(0, 100));
    assertThrows(() => blocks.at(-1)!.data, BlockReleasedError);
    // The loop is over, the subscriber is not.
    send(out, 1);
    assertEquals(drain(feed), [100]);
  });

  test(`${lane.name}: asking an iteration twice at once is an error, and it goes on`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    const blocks = feed.blocks();
    const first = blocks.next();
    await assertRejects(() => blocks.next(), IterationError);
    send(out, 2);
    assertEquals(checkBlock((await first).value!), 0);
    assertEquals(checkBlock((await blocks.next()).value!), 1);
    assertEquals(await blocks.return!(), { done: true, value: undefined });
    assertEquals(await blocks.next(), { done: true, value: undefined });
  });
}
