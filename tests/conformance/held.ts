// SPDX-License-Identifier: Apache-2.0
// Blocks that user code holds, and what is left of them after their release.
import { test } from "node:test";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  type Block,
  BlockReleasedError,
  DataBroadcaster,
  DataSubscriber,
  HELD_BLOCKS_MAX,
  HeldLimitError,
  IpcError,
  MarketDataType,
  Tick,
} from "../../mod.ts";
import type { Lane } from "./lane.ts";
import { checkBlock, drain, newStream, range, send } from "./tools.ts";

/** Everything that can be asked of a block. */
const ACCESSES: Readonly<Record<string, (block: Block) => unknown>> = {
  sequence: (block) => block.sequence,
  epoch: (block) => block.epoch,
  timestampNs: (block) => block.timestampNs,
  timestampMs: (block) => block.timestampMs,
  recordCount: (block) => block.recordCount,
  dataType: (block) => block.dataType,
  recordSize: (block) => block.recordSize,
  schemaId: (block) => block.schemaId,
  sourceSequence: (block) => block.sourceSequence,
  data: (block) => block.data,
  intact: (block) => block.intact,
  records: (block) => block.records(Tick),
};

function assertReleased(block: Block): void {
  assertEquals(block.released, true);
  for (const [name, access] of Object.entries(ACCESSES)) {
    const error = assertThrows(() => access(block), BlockReleasedError, "released", name);
    assertEquals(error.code, "QIPC_BLOCK_RELEASED");
  }
  block.release();
  block[Symbol.dispose]();
}

export function testHeld(lane: Lane): void {
  test(`${lane.name}: 256 held blocks stay what they were while the stream goes on, and a 257th is an error`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const config = lane.config({ queueCapacity: 1024 });
    using out = new DataBroadcaster(config, stream, { runtime });
    using feed = new DataSubscriber(config, stream, { runtime });
    using other = new DataSubscriber(config, stream, { runtime });
    const held: Block[] = [];
    for (let turn = 0; turn < HELD_BLOCKS_MAX; turn++) {
      send(out, 1);
      held.push(feed.receiveBlock()!);
      assertEquals(drain(other), [turn]);
    }
    send(out, 1);
    const error = assertThrows(() => feed.receiveBlock(), HeldLimitError);
    assertEquals([error.value, error.limit, error.code], [257, 256, "QIPC_HELD_LIMIT"]);
    assertEquals(feed.getReceiveStats().heldLimitHits, 1);
    assertEquals(drain(other), [256]);
    // Who reads without holding goes on, the holder itself included.
    for (let turn = 0; turn < 12; turn++) {
      send(out, 50);
      assertEquals(drain(other).length, 50);
      if (turn % 3 === 0) assertEquals(feed.poll(() => {}, 1000) > 0, true);
    }
    assertEquals(held.map((block) => checkBlock(block)), range(0, 256));
    held[100]!.release();
    drain(feed);
    send(out, 1);
    held[100] = feed.receiveBlock()!;
    assertThrows(() => feed.receiveBlock(), HeldLimitError);
    assertEquals(checkBlock(held[100]), out.nextSequence - 1);
    held.sort(() => 0.5 - Math.random()).forEach((block) => block.release());
    send(out, 200);
    assertEquals(drain(feed).length, 200);
    assertEquals(feed.getReceiveStats().missedBlocks, 0);
    assertEquals(feed.getReceiveStats().heldLimitHits, 2);
  });

  test(`${lane.name}: several holders of 256 blocks each do not rob each other`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const config = lane.config({ queueCapacity: 512 });
    using out = new DataBroadcaster(config, stream, { runtime });
    const feeds = range(0, 3).map(() => new DataSubscriber(config, stream, { runtime }));
    const held = feeds.map((): Block[] => []);
    for (let turn = 0; turn < 256; turn++) {
      send(out, 1);
      feeds.forEach((feed, index) => held[index]!.push(feed.receiveBlock()!));
    }
    for (const blocks of held) assertEquals(blocks.map((block) => checkBlock(block)), range(0, 256));
    held[0]!.forEach((block) => block.release());
    send(out, 50);
    assertEquals(drain(feeds[0]!), range(256, 306));
    for (const blocks of held.slice(1)) assertEquals(blocks.map((block) => checkBlock(block)), range(0, 256));
    feeds[1]!.close();
    held[1]!.forEach(assertReleased);
    assertEquals(held[2]!.map((block) => checkBlock(block)), range(0, 256));
    feeds[2]!.close();
  });

  test(`${lane.name}: a released block throws on every access, and releasing again does nothing`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    send(out, 2);
    const block = feed.receiveBlock()!;
    assertEquals(block.released, false);
    for (const [name, access] of Object.entries(ACCESSES)) if (name !== "records") access(block);
    block.release();
    assertReleased(block);
    let kept: Block;
    {
      using scoped = feed.receiveBlock()!;
      kept = scoped;
      checkBlock(scoped);
    }
    assertReleased(kept);
    // A block of poll is the handler's only until it returns.
    send(out, 1);
    feed.poll((polled) => void (kept = polled));
    assertReleased(kept);
  });

  test(`${lane.name}: records and loops of a released block throw, and work again on the next block`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    const write = (last: number): void => {
      const data = new Uint8Array(Tick.size * 3);
      for (let at = 0; at < data.length; at += Tick.size) {
        Tick.write(data, at, { timestampNs: 1n, last, bid: 0, ask: 0, volume: 0n, symbol: "T" });
      }
      out.broadcast(data, 3, MarketDataType.Tick);
    };
    write(1);
    const block = feed.receiveBlock()!;
    const records = block.records(Tick);
    const record = records.at(1);
    const loop = records[Symbol.iterator]();
    const looped = loop.next().value!;
    assertEquals([records.length, record.last, looped.last], [3, 1, 1]);
    block.release();
    for (
      const access of [
        () => records.length,
        () => records.at(0),
        () => records.toArray(),
        () => [...records],
        () => record.last,
        () => record.symbol,
        () => looped.last,
        () => loop.next(),
      ]
    ) assertThrows(access, BlockReleasedError);
    write(2);
    using next = feed.receiveBlock()!;
    assertEquals(next.records(Tick).toArray().map(({ last }) => last), [2, 2, 2]);
    assertThrows(() => record.last, BlockReleasedError);
  });

  test(`${lane.name}: a Uint8Array of a held block shows the block as long as it is held`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config({ queueCapacity: 1024 }), stream, { runtime });
    using feed = new DataSubscriber(lane.config({ queueCapacity: 1024 }), stream, { runtime });
    send(out, 1, 8160);
    using block = feed.receiveBlock()!;
    const { data } = block;
    assertStrictEquals(block.data, data);
    const copy = data.slice();
    for (let turn = 0; turn < 20; turn++) {
      send(out, 30, 8160);
      drain(feed, 8160);
    }
    assertEquals(data, copy);
  });

  test(`${lane.name}: errors of this module are IpcErrors with a code and a remedy`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    using feed = new DataSubscriber(lane.config({ queueCapacity: 1024 }), newStream(), { runtime });
    feed.close();
    const error = assertThrows(() => feed.receive(), IpcError);
    assertEquals(error.code, "QIPC_CLOSED");
    assertEquals(error.remedy.length > 0 && error.message.includes(error.remedy), true);
  });
}
