// SPDX-License-Identifier: Apache-2.0
// How a ring is read: stable copies that are shared, blocks that are held, in place; where reading begins; who may; what is told of
// the writer.
import { test } from "node:test";
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertNotStrictEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  type Block,
  BroadcastConfig,
  type BroadcastConfigFields,
  DataBroadcaster,
  DataSubscriber,
  Runtime,
  SubscriberLimitError,
} from "../mod.ts";
import { OFFSET_DATA } from "../src/block/layout.ts";
import { checkBlock, drain, fill, newStream, range, send } from "./conformance/tools.ts";
import { openMemory, RingMemory } from "./ring/raw_ring.ts";
import { WorkerSubscriber } from "./ring/subscriber.ts";
import { assertMisuse } from "./support/misuse.ts";
import { DEFAULT_TIMEOUT_MS, waitFor } from "./support/wait.ts";

const CAPACITY = 16;
/** More than any cache of copies keeps. */
const MANY = 1024;

function configOf(fields: Partial<BroadcastConfigFields> = {}): BroadcastConfig {
  return new BroadcastConfig({ bufferDepth: CAPACITY, lane: "ring", queueLane: "off", ...fields });
}

/** Where a block's data lie. */
function placeOf(block: Block): [ArrayBufferLike, number] {
  return [block.data.buffer, block.data.byteOffset];
}

test("BlockCopies: the subscribers of a Worker share one copy of a block, which is not the ring's memory", () => {
  using stand = openMemory();
  const { runtime, transport } = stand;
  const stream = newStream();
  const config = configOf({ bufferDepth: 64 });
  using out = new DataBroadcaster(config, stream, { runtime });
  const feeds = range(0, 3).map(() => new DataSubscriber(config, stream, { runtime }));
  send(out, 40);
  const places = feeds.map((feed) => {
    const found: [ArrayBufferLike, number][] = [];
    feed.poll((block) => {
      checkBlock(block);
      found.push(placeOf(block));
    });
    return found;
  });
  assertEquals(places.map(({ length }) => length), [40, 40, 40]);
  for (let index = 0; index < 40; index++) {
    const [buffer, offset] = places[0]![index]!;
    assertNotStrictEquals(buffer, transport.handle.buffer);
    for (const found of places) assert(found[index]![0] === buffer && found[index]![1] === offset, `block ${index}`);
  }
  for (const feed of feeds) feed.close();
});

test("BlockCopies: a block is copied once, so that a later reader sees what the first one saw", () => {
  using stand = openMemory();
  const { runtime, transport } = stand;
  const stream = newStream();
  const config = configOf({ bufferDepth: 64 });
  using out = new DataBroadcaster(config, stream, { runtime });
  using first = new DataSubscriber(config, stream, { runtime });
  using second = new DataSubscriber(config, stream, { runtime });
  const memory = RingMemory.of(transport, out.epoch);
  send(out, 40);
  assertEquals(drain(first), range(0, 40));
  // No writer does that: it tells a copy from the ring.
  const words = range(0, 40).map((sequence) => memory.slot(sequence) + OFFSET_DATA / 4);
  for (const word of words) memory.data[word] = ~memory.data[word]!;
  assertEquals(drain(second), range(0, 40));
  // Who does not share the copies sees the ring.
  using other = new DataSubscriber(configOf({ pollIntervalMs: 7, history: 1 }), stream, { runtime });
  const seen: number[] = [];
  other.poll(({ data }) => void seen.push(new DataView(data.buffer, data.byteOffset).getUint32(0, true)));
  assertEquals(seen, [memory.data[words.at(-1)!]]);
});

test("BlockCopies: held blocks are what they were, however far the writer goes, and a shared one is one copy", () => {
  using stand = openMemory();
  const { runtime } = stand;
  const stream = newStream();
  using out = new DataBroadcaster(configOf(), stream, { runtime });
  using feed = new DataSubscriber(configOf(), stream, { runtime });
  using other = new DataSubscriber(configOf(), stream, { runtime });
  const held: Block[] = [];
  const sequences: number[] = [];
  for (let turn = 0; turn < 200; turn++) {
    send(out, 1);
    for (const one of [feed, other]) {
      const block = one.receiveBlock()!;
      held.push(block);
      sequences.push(checkBlock(block));
    }
    const [mine, others] = held.slice(-2).map(placeOf) as [[ArrayBufferLike, number], [ArrayBufferLike, number]];
    assert(mine[0] === others[0] && mine[1] === others[1]);
    if (turn % 10 === 9) {
      for (let lap = 0; lap < 3; lap++) {
        send(out, 2 * CAPACITY);
        drain(feed);
        drain(other);
      }
    }
  }
  assertEquals(held.map((block) => checkBlock(block)), sequences);
  assert(held.every((block) => block.intact));
  // One of the two lets go: the other one still has it.
  held.forEach((block, index) => {
    if (index % 2 === 0) block.release();
  });
  send(out, MANY);
  drain(feed);
  send(out, CAPACITY);
  for (let turn = 0; turn < 100; turn++) feed.receiveBlock();
  held.forEach((block, index) => {
    if (index % 2 === 1) assertEquals(checkBlock(block), sequences[index]);
  });
});

test("BlockCopies: the memory of blocks that were released is used again", () => {
  using stand = openMemory();
  const { runtime } = stand;
  const stream = newStream();
  using out = new DataBroadcaster(configOf(), stream, { runtime });
  using feed = new DataSubscriber(configOf(), stream, { runtime });
  using other = new DataSubscriber(configOf(), stream, { runtime });
  const buffers = new Set<ArrayBufferLike>();
  let held: Block[] = [];
  for (let turn = 0; turn < 20 * MANY; turn++) {
    send(out, 1);
    const block = feed.receiveBlock()!;
    if (turn % 2 === 0) drain(other);
    buffers.add(block.data.buffer);
    held.push(block);
    if (held.length < 50) continue;
    for (const one of held) one.release();
    held = [];
  }
  // 50 held ones, those that the cache keeps, and what is left of a piece.
  assertLess(buffers.size, 10);
});

test("RingReader, in-place: the block lies in the ring, and intact turns false when the writer has overtaken it", () => {
  using stand = openMemory();
  const { runtime, transport } = stand;
  const stream = newStream();
  using out = new DataBroadcaster(configOf(), stream, { runtime });
  using feed = new DataSubscriber(configOf(), stream, { runtime, read: "in-place" });
  send(out, CAPACITY - 1);
  const block = feed.receiveBlock()!;
  assert(block.data.buffer === transport.handle.buffer);
  assertEquals([checkBlock(block), block.intact], [0, true]);
  // Its slot is made invalid when the block before it has been written again.
  send(out, 1);
  assertEquals(block.intact, false);
  send(out, 1);
  assertEquals([block.intact, block.sequence], [false, CAPACITY]);
  block.release();
  const { receivedBlocks, receivedRecords, receivedBytes, tornBlocks, missedBlocks } = feed.getReceiveStats();
  assertEquals([receivedBlocks, receivedRecords, receivedBytes, tornBlocks, missedBlocks], [0, 0, 0, 1, 1]);
});

/** Ways to have a block in place in hand while something else happens. */
const HANDS: Record<string, (feed: DataSubscriber, meanwhile: (block: Block) => void) => void | Promise<void>> = {
  poll: (feed, meanwhile) => void feed.poll(meanwhile, 1),
  receiveBlock: (feed, meanwhile) => {
    using block = feed.receiveBlock()!;
    meanwhile(block);
  },
  "for await": async (feed, meanwhile) => {
    for await (const block of feed) {
      meanwhile(block);
      break;
    }
  },
};

for (const [way, take] of Object.entries(HANDS)) {
  test(`DataSubscriber, in-place, ${way}: a block that was overwritten in hand is missed and torn, not received`, async () => {
    using stand = openMemory();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(configOf(), stream, { runtime });
    using feed = new DataSubscriber(configOf(), stream, { runtime, read: "in-place" });
    let torn = 0;
    let whole = 0;
    for (let turn = 0; turn < 50; turn++) {
      send(out, 3);
      await take(feed, (block) => {
        checkBlock(block);
        if (turn % 2 === 0) send(out, CAPACITY);
        if (block.intact) whole++;
        else torn++;
        assertEquals(block.intact, turn % 2 === 1);
      });
      const { receivedBlocks, tornBlocks, receivedBytes } = feed.getReceiveStats();
      assertEquals([receivedBlocks, tornBlocks, receivedBytes], [whole, torn, 64 * whole]);
    }
    whole += drain(feed).length;
    const { receivedBlocks, missedBlocks } = feed.getReceiveStats();
    assertEquals([receivedBlocks, receivedBlocks + missedBlocks], [whole, out.nextSequence]);
    assertEquals(torn, 25);
  });
}

test("DataSubscriber, observe: reads a lossless ring without holding its writer up, and counts what it lost", () => {
  using stand = openMemory();
  const { runtime } = stand;
  const stream = newStream();
  const config = configOf({ delivery: "lossless" });
  using observer = new DataSubscriber(config, stream, { runtime, observe: true });
  using out = new DataBroadcaster(config, stream, { runtime });
  assertEquals(drain(observer), []);
  send(out, 5 * CAPACITY);
  const got = drain(observer);
  assertEquals(got.at(-1), 5 * CAPACITY - 1);
  // Beside one that does, it changes nothing.
  using gating = new DataSubscriber(config, stream, { runtime });
  assertEquals([out.getSubscriberCount(), fill(out)], [2, CAPACITY]);
  got.push(...drain(observer));
  assertEquals([fill(out), drain(gating).length, fill(out)], [0, CAPACITY, CAPACITY]);
  got.push(...drain(observer));
  const { receivedBlocks, missedBlocks, droppedByWriter } = observer.getReceiveStats();
  assertEquals([receivedBlocks, missedBlocks + receivedBlocks, droppedByWriter], [got.length, out.nextSequence, 0]);
  assertEquals(gating.getReceiveStats().missedBlocks, 0);
});

for (const [delivery, most] of [["lossy", CAPACITY - 2], ["lossless", CAPACITY - 1]] as const) {
  test(`DataSubscriber, ${delivery}: history begins so many blocks back, or with the oldest that is safe`, () => {
    using stand = openMemory();
    const { runtime } = stand;
    for (const sent of [0, 1, 5, CAPACITY - 1, CAPACITY, 3 * CAPACITY + 5]) {
      for (const history of [0, 1, 5, most - 1, most, CAPACITY, "all"] as const) {
        const stream = newStream();
        using out = new DataBroadcaster(configOf({ delivery }), stream, { runtime, firstSequence: 100 });
        send(out, sent);
        using late = new DataSubscriber(configOf({ delivery }), stream, { runtime, history });
        const wanted = Math.min(sent, history === "all" ? Infinity : history, most);
        // Safe: the writer goes on before it is read.
        send(out, 1);
        assertEquals(drain(late), range(100 + sent - wanted, 100 + sent + 1), `${history} of ${sent}`);
        assertEquals(late.getReceiveStats().missedBlocks, 0);
      }
    }
  });
}

test("DataSubscriber: the ring's maxSubscribers holds for all Workers together", async () => {
  using stand = openMemory();
  const { runtime, transport } = stand;
  const stream = newStream();
  using out = new DataBroadcaster(configOf({ maxSubscribers: 4 }), stream, { runtime });
  const task = { handle: transport.handle, stream, fields: { bufferDepth: CAPACITY } };
  const feeds = range(0, 2).map(() => new DataSubscriber(configOf(), stream, { runtime }));
  using second = Runtime.open({ stack: "memory" });
  feeds.push(new DataSubscriber(configOf(), stream, { runtime: second }));
  await using worker = await WorkerSubscriber.start(task);
  assertEquals(out.getSubscriberCount(), 3, "two runtimes of this Worker and one of another");
  const limit = { value: 5, limit: 4 };
  for (const one of [runtime, second]) {
    assertMisuse(() => new DataSubscriber(configOf(), stream, { runtime: one }), SubscriberLimitError, limit);
  }
  await assertRejects(() => WorkerSubscriber.start(task), Error, "SubscriberLimitError");
  // Those that are there are not disturbed.
  send(out, 3);
  for (const feed of feeds) assertEquals(drain(feed), [0, 1, 2]);
  assertEquals(await worker.ask<number[]>({ kind: "read" }), [0, 1, 2]);
  // A place that is given back is free for any Worker.
  feeds.pop()!.close();
  await using another = await WorkerSubscriber.start(task);
  assertEquals(out.getSubscriberCount(), 3);
  await another.ask({ kind: "close" });
  await worker.ask({ kind: "close" });
  assertEquals(out.getSubscriberCount(), 1);
  for (const feed of feeds) feed.close();
  assertEquals(out.getSubscriberCount(), 0);
});

test("DataSubscriber.state: waiting, live, stale while the writer gives no sign of life, live again, ended", async () => {
  using stand = openMemory();
  const { runtime } = stand;
  const stream = newStream();
  const heartbeatIntervalMs = 400;
  using feed = new DataSubscriber(configOf(), stream, { runtime });
  assertEquals(feed.state, "waiting");
  const began = performance.now();
  const out = new DataBroadcaster(configOf({ heartbeatIntervalMs }), stream, { runtime });
  assertEquals(feed.state, "live");
  // The timer that beats does not run while this thread is busy.
  while (feed.state === "live" && performance.now() - began < DEFAULT_TIMEOUT_MS);
  assertEquals(feed.state, "stale");
  assertGreaterOrEqual(performance.now() - began, heartbeatIntervalMs);
  await waitFor(() => feed.state === "live");
  send(out, 1);
  out.close();
  assertEquals(feed.state, "ended");
  assertEquals(drain(feed), [0], "what it had written is there");
  using next = new DataBroadcaster(configOf(), stream, { runtime });
  assertEquals(feed.state, "live");
  next.close();
});

test("DataSubscriber: a place on a full ring that its Worker gives back is for the next one of that Worker", () => {
  using runtime = Runtime.open({ stack: "memory" });
  const stream = newStream();
  const config = new BroadcastConfig({ bufferDepth: 16 });
  using first = new DataSubscriber(config, stream, { runtime });
  using second = new DataSubscriber(config, stream, { runtime });
  using out = new DataBroadcaster(config.with({ maxSubscribers: 1 }), stream, { runtime });
  // Who finds the ring is told that it has no place for all.
  assertThrows(() => first.poll(() => {}), SubscriberLimitError);
  send(out, 3);
  assertEquals([drain(first).length, drain(second).length], [3, 0]);
  first.close();
  assertEquals(drain(second).length, 3);
  assertThrows(() => new DataSubscriber(config, stream, { runtime }), SubscriberLimitError);
  second.close();
  using third = new DataSubscriber(config, stream, { runtime });
  send(out, 1);
  assertEquals([drain(third).length, out.getSubscriberCount()], [1, 1]);
});
