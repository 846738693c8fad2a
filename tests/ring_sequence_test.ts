// SPDX-License-Identifier: Apache-2.0
// Sequences: across the places where their halves wrap, up to the last one, and readers that were left behind by any distance.
import { after, describe, test } from "node:test";
import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import {
  type Block,
  BroadcastConfig,
  type BroadcastConfigFields,
  DataBroadcaster,
  DataSubscriber,
  type ReadMode,
  Runtime,
  SequenceExhaustedError,
} from "../mod.ts";
import { RING_OFFSET_HEAD_HIGH_FIRST, RING_OFFSET_HEAD_HIGH_LAST } from "../src/ring/layout.ts";
import { checkBlock, drain, fill, newStream, range, send } from "./conformance/tools.ts";
import { type MemoryStand, openMemory, RawRing, RingMemory } from "./ring/raw_ring.ts";
import { assertMisuse } from "./support/misuse.ts";
import { RouDi } from "./support/roudi.ts";

const CAPACITY = 16;
const SEQUENCE_MAX = 2 ** 53 - 1;
/** A slot that shows nothing is believed for so many looks, unless the head is asked. */
const LOOKS_MAX = 4096;

function configOf(fields: Partial<BroadcastConfigFields> = {}): BroadcastConfig {
  return new BroadcastConfig({ bufferDepth: CAPACITY, lane: "ring", queueLane: "off", ...fields });
}

/** Broadcasts between and during the reads of one subscriber, laps it on purpose, and accounts for every block. */
function runLossy(runtime: Runtime, firstSequence: number, read: ReadMode): void {
  const stream = newStream();
  const config = configOf({ read });
  using feed = new DataSubscriber(config, stream, { runtime });
  using out = new DataBroadcaster(config, stream, { runtime, firstSequence });
  const got: number[] = [];
  let torn = 0;
  for (let round = 0; round < 60; round++) {
    send(out, (round * 7) % (3 * CAPACITY));
    feed.poll((block) => {
      const sequence = checkBlock(block);
      // Sometimes the writer overtakes the block that is being read.
      if (round % 5 === 4 && got.length % 3 === 0) send(out, CAPACITY + 1);
      assertEquals(block.intact, read === "stable" || out.nextSequence - sequence <= CAPACITY);
      if (block.intact) got.push(sequence);
      else torn++;
    }, 1 + (round * 5) % CAPACITY);
    const { receivedBlocks, missedBlocks, tornBlocks } = feed.getReceiveStats();
    assertEquals([receivedBlocks, tornBlocks], [got.length, torn]);
    assertLessOrEqual(receivedBlocks + missedBlocks, out.nextSequence - firstSequence);
  }
  got.push(...drain(feed));
  assert(got.every((sequence, index) => index === 0 || sequence > got[index - 1]!), "in order, each once");
  assertEquals(got.at(-1), out.nextSequence - 1);
  const { receivedBlocks, missedBlocks } = feed.getReceiveStats();
  assertEquals(receivedBlocks, got.length);
  assertEquals(receivedBlocks + missedBlocks, out.getStats().sentBlocks);
  assertGreater(missedBlocks, 0);
  assertEquals(torn > 0, read === "in-place");
}

/** The same without loss: as much as there is room for, part of it read, three times around the ring. */
function runLossless(runtime: Runtime, firstSequence: number): void {
  const stream = newStream();
  const config = configOf({ delivery: "lossless" });
  using feed = new DataSubscriber(config, stream, { runtime });
  using out = new DataBroadcaster(config, stream, { runtime, firstSequence });
  const got = drain(feed);
  for (let unread = 0; unread <= CAPACITY; unread++) {
    // The cursor stands at every place of the ring once while it is full.
    fill(out);
    assertEquals(out.nextSequence - firstSequence - got.length, CAPACITY);
    feed.poll((block) => void got.push(checkBlock(block)), CAPACITY - unread || 1);
    using held = feed.receiveBlock();
    if (held !== null) got.push(checkBlock(held));
  }
  got.push(...drain(feed));
  assertEquals(got, range(firstSequence, out.nextSequence));
  assertEquals(feed.getReceiveStats().missedBlocks, 0);
}

/** Where the low half of a sequence changes its sign and where it wraps. */
const WRAPS = { "2^31": 2 ** 31, "2^32": 2 ** 32, "3 * 2^32": 3 * 2 ** 32 };

for (const [name, wrap] of Object.entries(WRAPS)) {
  for (const read of ["stable", "in-place"] as const) {
    test(`RingReader, ${read}: across ${name} with a writer that laps it, received and missed blocks are the sent ones`, () => {
      using stand = openMemory();
      for (const before of [5, CAPACITY, CAPACITY + 1, 700]) runLossy(stand.runtime, wrap - before, read);
    });
  }

  test(`RingWriter, lossless: across ${name} it stops before what is not read, and nothing is lost`, () => {
    using stand = openMemory();
    for (const before of range(1, 2 * CAPACITY)) runLossless(stand.runtime, wrap - before);
  });

  test(`RingReader: history reaches back across ${name}`, () => {
    using stand = openMemory();
    const { runtime } = stand;
    for (const delivery of ["lossy", "lossless"] as const) {
      const config = configOf({ delivery });
      const stream = newStream();
      using out = new DataBroadcaster(config, stream, { runtime, firstSequence: wrap - 40 });
      send(out, 45);
      for (const history of [1, 5, 6, 14] as const) {
        using late = new DataSubscriber(config, stream, { runtime, history });
        assertEquals(drain(late), range(wrap + 5 - history, wrap + 5));
      }
    }
  });
}

describe("over iceoryx", () => {
  let roudi: RouDi | undefined;
  after(() => roudi?.stop());

  for (const [name, wrap] of Object.entries(WRAPS)) {
    test(`RingReader over iceoryx: across ${name}, received and missed blocks are the sent ones`, async () => {
      roudi ??= await RouDi.start();
      using runtime = Runtime.open();
      runLossy(runtime, wrap - 5, "stable");
      runLossy(runtime, wrap - 5, "in-place");
      runLossless(runtime, wrap - 5);
    });
  }
});

for (const delivery of ["lossy", "lossless"] as const) {
  test(`RingWriter, ${delivery}: the last sequence is 2^53 - 1, and the next block a SequenceExhaustedError`, () => {
    using stand = openMemory();
    const { runtime } = stand;
    const first = 2 ** 53 - 2 ** 10;
    const config = configOf({ delivery });
    const stream = newStream();
    using feed = new DataSubscriber(config, stream, { runtime });
    using out = new DataBroadcaster(config, stream, { runtime, firstSequence: first });
    const got: number[] = [];
    while (out.nextSequence <= SEQUENCE_MAX) {
      send(out, 1);
      if (out.nextSequence % 8 === 0) got.push(...drain(feed));
    }
    assertEquals([got.length, got[0], got.at(-1)], [2 ** 10, first, SEQUENCE_MAX]);
    for (let again = 0; again < 3; again++) {
      assertMisuse(() => out.broadcast(new Uint8Array(8), 1, 0), SequenceExhaustedError);
      assertMisuse(() => out.loan(), SequenceExhaustedError);
    }
    assertEquals(out.nextSequence, 2 ** 53);
    assertEquals([feed.hasData(), feed.state, feed.getReceiveStats().missedBlocks], [false, "live", 0]);
    // What is in the ring is still there for others, and counted by those who were overtaken on the way.
    using late = new DataSubscriber(config, stream, { runtime, history: 8 });
    assertEquals(drain(late), range(2 ** 53 - 8, 2 ** 53));
    out.close();
    assertEquals([drain(feed), feed.state], [[], "ended"]);
  });
}

test("RingReader: one that was lapped on the way to the last sequence gets the end, and counts the rest", () => {
  using stand = openMemory();
  const { runtime } = stand;
  const config = configOf();
  const stream = newStream();
  using feed = new DataSubscriber(config, stream, { runtime });
  using out = new DataBroadcaster(config, stream, { runtime, firstSequence: 2 ** 53 - 2 ** 10 });
  send(out, 2 ** 10);
  const got = drain(feed);
  assertEquals(got.at(-1), SEQUENCE_MAX);
  assertEquals(got.length + feed.getReceiveStats().missedBlocks, 2 ** 10);
});

/** Distances at which a difference of low halves says something else than how far the writer is. */
const LAGS = {
  "a capacity": CAPACITY,
  "a capacity and 1": CAPACITY + 1,
  "2^31 - 1": 2 ** 31 - 1,
  "2^31": 2 ** 31,
  "2^31 + 1": 2 ** 31 + 1,
  "2^32 - capacity": 2 ** 32 - CAPACITY,
  "2^32 - capacity + 1": 2 ** 32 - CAPACITY + 1,
  "2^32 - 1": 2 ** 32 - 1,
  "2^32": 2 ** 32,
  "2^32 + 1": 2 ** 32 + 1,
  "2^32 + capacity": 2 ** 32 + CAPACITY,
  "5 * 2^32 - 3": 5 * 2 ** 32 - 3,
};
/** Where the reader stood. */
const CURSORS = [0, 5, 2 ** 31 - 5, 2 ** 32 - 5, 2 ** 40 + 3];

/** Asks until there is a block, as often as a slot may be believed. */
function findFirst(find: () => boolean): void {
  for (let looks = 0; looks <= LOOKS_MAX; looks++) {
    if (find()) return;
  }
  assert(false, `nothing in ${LOOKS_MAX} looks`);
}

/** The reader has the newest blocks, goes on with those that follow, and has counted the others. */
function assertBearings(feed: DataSubscriber, ring: RawRing, got: number[], first: number): void {
  got.push(...drain(feed));
  ring.send(3);
  got.push(...drain(feed));
  assertEquals(got, range(ring.nextSequence - got.length, ring.nextSequence));
  // All that the ring holds but the oldest, which are about to be overwritten.
  assertGreater(got.length, CAPACITY / 2);
  const { receivedBlocks, missedBlocks } = feed.getReceiveStats();
  assertEquals(receivedBlocks + missedBlocks, ring.nextSequence - first);
}

function lagging(
  stand: MemoryStand,
  fields: Partial<BroadcastConfigFields>,
  first: number,
): { feed: DataSubscriber; ring: RawRing } {
  const stream = newStream();
  const feed = new DataSubscriber(configOf(fields), stream, { runtime: stand.runtime });
  const lossless = fields.delivery === "lossless";
  const ring = new RawRing(stand.transport, stream, { capacity: CAPACITY, lossless, firstSequence: first });
  assertEquals([drain(feed), feed.state], [[], "live"]);
  return { feed, ring };
}

for (const [name, lag] of Object.entries(LAGS)) {
  for (const read of ["stable", "in-place"] as const) {
    test(`RingReader, ${read}: finds its bearings ${name} blocks behind`, () => {
      using stand = openMemory();
      for (const first of CURSORS) {
        for (const isPrepared of [true, false]) {
          const { feed, ring } = lagging(stand, { read }, first);
          ring.runTo(first + lag, isPrepared);
          const got: number[] = [];
          findFirst(() => feed.poll((block) => void got.push(checkBlock(block)), 1) > 0);
          assertBearings(feed, ring, got, first);
          feed.close();
          ring.close();
        }
      }
    });
  }

  test(`RingReader, lossless: one that was dropped and comes back ${name} blocks later knows it, and holds the writer back again`, () => {
    using stand = openMemory();
    for (const first of CURSORS) {
      const { feed, ring } = lagging(stand, { delivery: "lossless" }, first);
      ring.memory.drop(0);
      ring.runTo(first + lag, false);
      const got: number[] = [];
      findFirst(() => feed.poll((block) => void got.push(checkBlock(block)), 1) > 0);
      got.push(...drain(feed));
      assertEquals(got, range(ring.nextSequence - got.length, ring.nextSequence));
      const { receivedBlocks, missedBlocks, droppedByWriter } = feed.getReceiveStats();
      assertEquals([receivedBlocks + missedBlocks, droppedByWriter], [lag, 1]);
      assertEquals(ring.send(100), CAPACITY);
      assertEquals(drain(feed), range(first + lag, first + lag + CAPACITY));
      feed.close();
      ring.close();
    }
  });

  test(`RingReader: a writer that closes leaves no block uncounted at a reader that is ${name} blocks behind`, () => {
    using stand = openMemory();
    for (const first of CURSORS) {
      const { feed, ring } = lagging(stand, {}, first);
      ring.runTo(first + lag);
      ring.close();
      const got = drain(feed);
      for (let looks = 0; looks <= LOOKS_MAX; looks++) got.push(...drain(feed));
      const { receivedBlocks, missedBlocks } = feed.getReceiveStats();
      assertEquals(receivedBlocks + missedBlocks, lag, `from ${first}`);
      assertEquals([got.length, got.at(-1), feed.state], [receivedBlocks, first + lag - 1, "ended"]);
      feed.close();
    }
  });
}

test("RingReader: every way of looking finds its bearings", () => {
  const lags = [2 ** 31 + 1, 2 ** 32 - CAPACITY + 1, 2 ** 32];
  const looks: Record<string, (feed: DataSubscriber) => boolean> = {
    hasData: (feed) => feed.hasData(),
    receive: (feed) => feed.receive() !== null,
    receiveBlock: (feed) => feed.receiveBlock() !== null,
    waitSync: (feed) => feed.waitSync(0),
  };
  using stand = openMemory();
  for (const lag of lags) {
    for (const find of Object.values(looks)) {
      const { feed, ring } = lagging(stand, {}, 7);
      ring.runTo(7 + lag);
      findFirst(() => find(feed));
      drain(feed);
      const { receivedBlocks, missedBlocks } = feed.getReceiveStats();
      assertEquals(receivedBlocks + missedBlocks, lag);
      feed.close();
      ring.close();
    }
  }
});

test("RingReader: after a sleep it asks the head, because any number of blocks may have come meanwhile", () => {
  using stand = openMemory();
  for (const lag of [2 ** 31 + 1, 2 ** 32 - CAPACITY + 1, 2 ** 32]) {
    const { feed, ring } = lagging(stand, { wait: "park" }, 7);
    ring.runTo(7 + lag);
    assertEquals(feed.waitSync(1000), true, `${lag} blocks behind`);
    assertBearings(feed, ring, [], 7);
    feed.close();
    ring.close();
  }
});

test("RingReader: a head that makes no sense is no block, and the next that does is", () => {
  using stand = openMemory();
  const { feed, ring } = lagging(stand, {}, 0);
  ring.runTo(2 ** 32 + 5);
  for (const high of [0x200000, 0x200001, 0xffffffff]) {
    ring.memory.data[RING_OFFSET_HEAD_HIGH_FIRST / 4] = high;
    ring.memory.data[RING_OFFSET_HEAD_HIGH_LAST / 4] = high;
    for (let looks = 0; looks <= LOOKS_MAX; looks++) assertEquals(feed.hasData(), false);
  }
  // A writer that died between the words of the head: which half is which is told by the low one.
  ring.memory.setHead(2 ** 32 + 5);
  ring.memory.data[RING_OFFSET_HEAD_HIGH_LAST / 4] = 0;
  findFirst(() => feed.hasData());
  assertBearings(feed, ring, [], 0);
});

test("RingReader: a writer that died on the way across 2^32 has committed what the stamps say", () => {
  const heads = [[2 ** 32 - 1, 1, 2 ** 32 - 1, 0], [2 ** 32, 1, 0, 0], [2 ** 32, 1, 0, 1]] as const;
  for (const [head, ...words] of heads) {
    using stand = openMemory();
    const { feed, ring } = lagging(stand, {}, 0);
    ring.runTo(head);
    ring.memory.data.set(words, RING_OFFSET_HEAD_HIGH_FIRST / 4);
    const got: number[] = [];
    findFirst(() => feed.poll((block) => void got.push(checkBlock(block))) > 0);
    assertEquals(got.at(-1), head - 1);
    assertEquals(got.length + feed.getReceiveStats().missedBlocks, head);
  }
});

describe("untouched slots", () => {
  for (const first of [0, 1, CAPACITY - 1, CAPACITY, 2 ** 32 - 5, 2 ** 32, SEQUENCE_MAX]) {
    test(`MemoryRing: slots of a ring from ${first} that were not written are no blocks`, () => {
      using stand = openMemory();
      const { runtime, transport } = stand;
      for (const read of ["stable", "in-place"] as const) {
        // Memory that was a ring before, with blocks of the very same numbers, or of any bytes.
        const before = new RawRing(transport, newStream(), { capacity: CAPACITY });
        before.memory.runTo(CAPACITY);
        const place = before.memory.data.byteOffset;
        before.close();
        const stream = newStream();
        using feed = new DataSubscriber(configOf({ read }), stream, { runtime });
        using out = new DataBroadcaster(configOf(), stream, { runtime, firstSequence: first });
        assertEquals(RingMemory.of(transport, out.epoch).data.byteOffset, place, "the same memory");
        for (let sent = 0; sent < CAPACITY && first + sent <= SEQUENCE_MAX; sent++) {
          for (let looks = 0; looks <= LOOKS_MAX; looks++) {
            if (feed.hasData()) assertEquals(drain(feed), [], `after ${sent} blocks`);
          }
          send(out, 1);
          assertEquals(drain(feed), [first + sent]);
        }
        assertEquals([drain(feed), feed.getReceiveStats().missedBlocks], [[], 0]);
      }
    });
  }
});

test("RingReader: a block that was aborted never was", () => {
  using stand = openMemory();
  const { runtime } = stand;
  const stream = newStream();
  using feed = new DataSubscriber(configOf(), stream, { runtime });
  using out = new DataBroadcaster(configOf(), stream, { runtime, firstSequence: 2 ** 32 - 2 });
  const held: Block[] = [];
  for (let turn = 0; turn < 8; turn++) {
    const loan = out.loan()!;
    loan.data.fill(turn);
    assertEquals(drain(feed), []);
    loan.discard();
    assertEquals(drain(feed), []);
    send(out, 1);
    held.push(feed.receiveBlock()!);
  }
  assertEquals(held.map((block) => checkBlock(block)), range(2 ** 32 - 2, 2 ** 32 + 6));
});
