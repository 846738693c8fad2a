// SPDX-License-Identifier: Apache-2.0
// Closing and disposing: in any order, more than once, and what a closed object still does.
import { test } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type BlockLoan,
  ClosedError,
  DataBroadcaster,
  DataSubscriber,
  type IpcErrorClass,
  MarketDataType,
  Runtime,
  RuntimeClosedError,
  RuntimeNotOpenError,
  Tick,
} from "../../mod.ts";
import { waitFor } from "../support/wait.ts";
import type { Lane } from "./lane.ts";
import { checkBlock, drain, newStream, payload, send } from "./tools.ts";

const TYPE = MarketDataType.Unknown;

/** All orders of the items. */
function orders<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) => orders(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}

async function assertSubscriberClosed(feed: DataSubscriber): Promise<void> {
  assertEquals(feed.closed, true);
  const calls: (() => unknown)[] = [
    () => feed.receive(),
    () => feed.receiveNowait(),
    () => feed.receiveBlock(),
    () => feed.poll(() => {}),
    () => feed.waitSync(0),
    () => feed.hasData(),
    () => feed.blocks(),
    () => feed[Symbol.asyncIterator](),
  ];
  for (const call of calls) assertEquals(assertThrows(call, ClosedError).code, "QIPC_CLOSED");
  await assertRejects(async () => {
    for await (const _ of feed);
  }, ClosedError);
  assertEquals(feed.getReceiveStats().missedBlocks, 0);
  feed.close();
  feed[Symbol.dispose]();
}

async function assertBroadcasterClosed(out: DataBroadcaster): Promise<void> {
  const calls: (() => unknown)[] = [
    () => out.broadcast(payload(0), 1, TYPE),
    () => out.broadcastBatch(payload(0), 1, TYPE),
    () => out.loan(),
    () => out.writer(Tick),
    () => out.waitForRoomSync(0),
    () => out.hasSubscribers(),
    () => out.getSubscriberCount(),
  ];
  for (const call of calls) assertEquals(assertThrows(call, ClosedError).code, "QIPC_CLOSED");
  await assertRejects(() => out.waitForRoom(0), ClosedError);
  assertEquals(out.getStats().subscribers, 0);
  out.resetStats();
  out.close();
  out[Symbol.dispose]();
}

export function testClose(lane: Lane): void {
  test(`${lane.name}: a closed subscriber throws on every use, and keeps its statistics`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    const feed = new DataSubscriber(lane.config(), stream, { runtime });
    send(out, 3);
    drain(feed);
    assertEquals(feed.closed, false);
    feed.close();
    await assertSubscriberClosed(feed);
    assertEquals(feed.getReceiveStats().receivedBlocks, 3);
    assertEquals([feed.queueCapacity > 0, feed.stream], [true, stream]);
  });

  test(`${lane.name}: a closed broadcaster throws on every use, and keeps its statistics`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const out = new DataBroadcaster(lane.config(), stream, { runtime });
    send(out, 3);
    const { epoch } = out;
    out.close();
    assertEquals([out.getStats().sentBlocks, out.nextSequence, out.epoch], [3, 3, epoch]);
    await assertBroadcasterClosed(out);
  });

  test(`${lane.name}: what was sent before a broadcaster closed still arrives`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    const out = new DataBroadcaster(lane.config(), stream, { runtime });
    send(out, 10);
    out.close();
    assertEquals(drain(feed).length, 10);
  });

  test(`${lane.name}: a block outlives its broadcaster as long as it is held`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    const out = new DataBroadcaster(lane.config(), stream, { runtime });
    send(out, 1);
    using block = feed.receiveBlock()!;
    out.close();
    using again = new DataBroadcaster(lane.config(), stream, { runtime });
    for (let turn = 0; turn < 20; turn++) {
      send(again, 20);
      drain(feed);
    }
    assertEquals(checkBlock(block), 0);
  });

  test(`${lane.name}: runtime, ends, block and loan can be disposed in each of their 120 orders, twice`, async () => {
    await using _daemon = await lane.open();
    for (const order of orders(["runtime", "out", "feed", "block", "loan"] as const)) {
      const stand = await lane.open();
      const { runtime } = stand;
      const stream = newStream();
      const out = new DataBroadcaster(lane.config(), stream, { runtime });
      const feed = new DataSubscriber(lane.config(), stream, { runtime });
      send(out, 2);
      const block = feed.receiveBlock()!;
      const loan: BlockLoan = out.loan()!;
      const things = { runtime, out, feed, block, loan };
      for (const name of order) things[name][Symbol.dispose]();
      for (const name of order) things[name][Symbol.dispose]();
      assertEquals([runtime.state, feed.closed, block.released], ["closed", true, true], order.join(" "));
      await stand[Symbol.asyncDispose]();
    }
  });

  test(`${lane.name}: a runtime closed first closes what was made with it, and nothing else`, async () => {
    await using stand = await lane.open();
    await using other = await lane.open();
    const stream = newStream();
    const out = new DataBroadcaster(lane.config(), stream, { runtime: stand.runtime });
    const feed = new DataSubscriber(lane.config(), stream, { runtime: stand.runtime });
    using otherOut = new DataBroadcaster(lane.config(), stream, { runtime: other.runtime });
    using otherFeed = new DataSubscriber(lane.config(), stream, { runtime: other.runtime });
    send(out, 2);
    send(otherOut, 2);
    using otherBlock = otherFeed.receiveBlock()!;
    const block = feed.receiveBlock()!;
    const { data } = block;
    stand.runtime.close();
    assertEquals([stand.runtime.state, other.runtime.state, block.released], ["closed", "attached", true]);
    // No view over memory that is gone: it is empty, or holds what it held.
    assertEquals(data.length === 0 || data[0] === payload(0)[0], true);
    await assertBroadcasterClosed(out);
    await assertSubscriberClosed(feed);
    assertEquals(checkBlock(otherBlock), 0);
    send(otherOut, 1);
    assertEquals(drain(otherFeed).length, 4);
    await waitFor(() => otherOut.getSubscriberCount() === 1);
  });

  test(`${lane.name}: a closed runtime makes nothing any more`, async () => {
    const stand = await lane.open();
    const { runtime } = stand;
    runtime.close();
    runtime.close();
    const refused: IpcErrorClass = RuntimeClosedError;
    assertThrows(() => new DataBroadcaster(lane.config(), "s", { runtime }), refused);
    assertThrows(() => new DataSubscriber(lane.config(), "s", { runtime }), refused);
    assertThrows(() => runtime.streams(), refused);
    await stand[Symbol.asyncDispose]();
    assertThrows(() => Runtime.default, RuntimeNotOpenError);
    assertThrows(() => new DataBroadcaster(lane.config(), "s"), RuntimeNotOpenError);
    assertThrows(() => new DataSubscriber(lane.config(), "s"), RuntimeNotOpenError);
  });

  test(`${lane.name}: the first runtime opened is the default, then the next one`, async () => {
    const first = await lane.open();
    const second = await lane.open();
    assertEquals(Runtime.default, first.runtime);
    const stream = newStream();
    using feed = new DataSubscriber(lane.config(), stream, { runtime: second.runtime });
    using out = new DataBroadcaster(lane.config(), stream);
    send(out, 1);
    assertEquals(drain(feed), [0]);
    await first[Symbol.asyncDispose]();
    assertThrows(() => out.broadcast(payload(0), 1, TYPE), ClosedError);
    assertEquals(Runtime.default, second.runtime);
    using next = new DataBroadcaster(lane.config(), stream);
    send(next, 1);
    assertEquals(drain(feed), [0]);
    await second[Symbol.asyncDispose]();
  });

  test(`${lane.name}: opening, using and closing 200 times leaves nothing behind`, async () => {
    await using stand = await lane.open();
    const stream = newStream();
    const { runtime } = stand;
    for (let turn = 0; turn < 200; turn++) {
      using out = new DataBroadcaster(lane.config({ history: 1 }), stream, { runtime });
      using feed = new DataSubscriber(lane.config(), stream, { runtime });
      // The stack may take a moment to forget closed subscribers, which have room for only so many blocks.
      assertEquals(out.waitForRoomSync(10_000), true);
      send(out, 2);
      using block = feed.receiveBlock()!;
      assertEquals(checkBlock(block), 0);
      assertEquals(out.getSubscriberCount() >= 1, true);
    }
    await waitFor(() => runtime.streams().every((info) => info.stream !== stream));
  });
}
