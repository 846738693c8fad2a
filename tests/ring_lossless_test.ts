// SPDX-License-Identifier: Apache-2.0
// Lossless rings: a writer that waits for its readers, and gives up those that do nothing for too long.
import { test } from "node:test";
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import {
  type Block,
  BroadcastConfig,
  type BroadcastConfigFields,
  DataBroadcaster,
  DataSubscriber,
  type Runtime,
} from "../mod.ts";
import {
  ENTRY_CLAIMED,
  ENTRY_GATING,
  ENTRY_GENERATION_STEP,
  ENTRY_OFFSET_CURSOR,
  TABLE_OFFSET_ENTRIES_USED,
} from "../src/ring/layout.ts";
import { checkBlock, drain, fill as fillUpTo, newStream, payload, range, send } from "./conformance/tools.ts";
import { openMemory, RingMemory } from "./ring/raw_ring.ts";
import { WorkerSubscriber } from "./ring/subscriber.ts";
import { waitFor } from "./support/wait.ts";

const CAPACITY = 16;
const LONG_MS = 30_000;
const TIMEOUT_MS = 60;

function configOf(fields: Partial<BroadcastConfigFields> = {}): BroadcastConfig {
  return new BroadcastConfig({
    bufferDepth: CAPACITY,
    lane: "ring",
    queueLane: "off",
    delivery: "lossless",
    readerTimeoutMs: LONG_MS,
    ...fields,
  });
}

/** Broadcasts until there is no room; a ring that never gets full has forgotten somebody. */
function fill(out: DataBroadcaster): number {
  return fillUpTo(out, out.nextSequence + 4 * CAPACITY);
}

/** A broadcaster and subscribers that have found its ring. */
function open(
  runtime: Runtime,
  config: BroadcastConfig,
  subscribers: number,
): { out: DataBroadcaster; feeds: DataSubscriber[]; stream: string } {
  const stream = newStream();
  const out = new DataBroadcaster(config, stream, { runtime });
  return { out, stream, feeds: range(0, subscribers).map(() => new DataSubscriber(config, stream, { runtime })) };
}

test("RingLane, lossless: as many blocks as slots, then false and null, and one more for each that was read", async () => {
  using stand = openMemory();
  const { out, feeds: [feed] } = open(stand.runtime, configOf(), 1);
  assertEquals(fill(out), CAPACITY);
  assertEquals([out.broadcast(payload(0), 1, 0), out.loan()], [false, null]);
  assertEquals([out.waitForRoomSync(0), await out.waitForRoom(0)], [false, false]);
  for (let turn = 0; turn < 3 * CAPACITY; turn++) {
    assertEquals(feed!.poll((block) => assertEquals(checkBlock(block), turn), 1), 1);
    assertEquals([out.waitForRoomSync(0), fill(out)], [true, 1]);
  }
  assertEquals(drain(feed!), range(3 * CAPACITY, 4 * CAPACITY));
  const { droppedReaders, refusedBlocks } = out.getStats();
  assertEquals([droppedReaders, refusedBlocks], [0, 3 + 3 * CAPACITY]);
});

test("RingLane, lossless: the slowest of all subscribers counts, wherever it is, and one that leaves does not", () => {
  using stand = openMemory();
  const { runtime } = stand;
  const { out, feeds: [slow, quick], stream } = open(runtime, configOf(), 2);
  // One that does not share the entry of the others.
  using apart = new DataSubscriber(configOf({ pollIntervalMs: 7 }), stream, { runtime });
  fill(out);
  for (const feed of [quick!, apart]) assertEquals(drain(feed), range(0, CAPACITY));
  assertEquals(fill(out), 0);
  slow!.poll(checkBlock, 5);
  assertEquals(fill(out), 5);
  assertEquals([drain(quick!).length, drain(slow!).length], [5, CAPACITY]);
  // Now it is the other one that has five to read.
  assertEquals(fill(out), CAPACITY - 5);
  assertEquals([drain(quick!).length, drain(slow!).length, fill(out)], [CAPACITY - 5, CAPACITY - 5, 0]);
  assertEquals([drain(apart).length, fill(out)], [CAPACITY, CAPACITY]);
  for (const feed of [quick!, apart]) assertEquals(drain(feed).length, CAPACITY);
  assertEquals(fill(out), 0);
  slow!.close();
  assertEquals(fill(out), CAPACITY);
  for (const feed of [quick!, apart]) feed.close();
  send(out, 10 * CAPACITY);
  assertEquals(out.getStats().droppedReaders, 0);
});

test("RingLane, lossless: a subscriber that was waiting for the ring misses nothing when the writer looks while it joins", () => {
  using stand = openMemory();
  const stream = newStream();
  using feed = new DataSubscriber(configOf(), stream, { runtime: stand.runtime });
  using out = new DataBroadcaster(configOf(), stream, { runtime: stand.runtime });
  // The moment in which it has claimed an entry, and does not yet gate the writer.
  const memory = RingMemory.of(stand.transport, out.epoch);
  memory.table[memory.entry(0)] = ENTRY_GENERATION_STEP + ENTRY_CLAIMED;
  memory.table[TABLE_OFFSET_ENTRIES_USED / 4] = 1;
  assertEquals(fill(out), CAPACITY - 1);
  // It gates the writer, and has not yet looked at the head, which tells it what may be lost.
  memory.table[memory.entry(0)] = ENTRY_GENERATION_STEP + ENTRY_GATING;
  memory.table[memory.entry(0) + ENTRY_OFFSET_CURSOR / 4] = -1;
  assertEquals(fill(out), 0);
  memory.table[memory.entry(0)] = ENTRY_GENERATION_STEP + ENTRY_CLAIMED;
  assertEquals(drain(feed), range(0, CAPACITY - 1));
  assertEquals([fill(out), drain(feed)], [CAPACITY, range(CAPACITY - 1, 2 * CAPACITY - 1)]);
  assertEquals(feed.getReceiveStats().missedBlocks, 0);
});

test("RingLane, lossless: subscribers that join and leave while it runs never cost another one a block", () => {
  using stand = openMemory();
  const { runtime } = stand;
  const { out, feeds: [steady], stream } = open(runtime, configOf(), 1);
  const got: number[] = [];
  for (let turn = 0; turn < 200; turn++) {
    const history = turn % 3 === 0 ? "all" as const : turn % CAPACITY;
    using late = new DataSubscriber(configOf(), stream, { runtime, history });
    using apart = new DataSubscriber(configOf({ pollIntervalMs: 7 }), stream, { runtime, history });
    const first = out.nextSequence;
    fillUpTo(out, first + 1 + turn % 7);
    for (const feed of [late, apart]) {
      const found = drain(feed);
      assertEquals(found, range(out.nextSequence - found.length, out.nextSequence));
      assertGreaterOrEqual(found.length, out.nextSequence - first);
      assertEquals(feed.getReceiveStats().missedBlocks, 0);
    }
    if (turn % 2 === 0) steady!.poll((block) => void got.push(checkBlock(block)), 1 + turn % CAPACITY);
  }
  got.push(...drain(steady!));
  assertEquals(got, range(0, out.nextSequence));
});

test("DataSubscriber, lossless: a block in hand stays whole, however the writer tries; held ones keep nobody waiting", async () => {
  using stand = openMemory();
  const { out, feeds: [feed] } = open(stand.runtime, configOf(), 1);
  fill(out);
  let handled = 0;
  const inHand = (block: Block): void => {
    const sequence = checkBlock(block);
    // Everything up to this one has been read, and this one is being read.
    fill(out);
    assertEquals(out.nextSequence, sequence + CAPACITY);
    assertEquals([checkBlock(block), block.intact], [sequence, true]);
    handled++;
  };
  for (let turn = 0; turn < 40; turn++) feed!.poll(inHand, 1 + turn % 3);
  let turns = 0;
  for await (const block of feed!) {
    inHand(block);
    if (++turns === 40) break;
  }
  fill(out);
  const held = range(0, 100).map((turn) => {
    const block = feed!.receiveBlock()!;
    assertEquals([checkBlock(block), fill(out)], [handled + turn, 1]);
    return block;
  });
  fill(out);
  assertEquals(held.map((block) => checkBlock(block)), range(handled, handled + 100));
  assertEquals(feed!.getReceiveStats().missedBlocks, 0);
});

test("DataBroadcaster.waitForRoomSync sleeps until a subscriber in another Worker has read", async () => {
  using stand = openMemory();
  const { runtime, transport } = stand;
  const stream = newStream();
  using out = new DataBroadcaster(configOf(), stream, { runtime });
  const { handle } = transport;
  const fields = { bufferDepth: CAPACITY, delivery: "lossless", lane: "ring" } as const;
  await using worker = await WorkerSubscriber.start({ handle, stream, fields });
  for (let turn = 0; turn < 10; turn++) {
    const first = out.nextSequence;
    assertEquals([fill(out), out.waitForRoomSync(0)], [CAPACITY, false]);
    const reading = worker.ask<number[]>({ kind: "readWhenParked", epoch: out.epoch });
    if (turn % 2 === 0) assertEquals(out.waitForRoomSync(LONG_MS), true);
    else assertEquals(await out.waitForRoom(LONG_MS), true);
    assertEquals(await reading, range(first, first + CAPACITY));
  }
  assertEquals(out.getStats().droppedReaders, 0);
});

test("RingLane, lossless: a subscriber that does nothing for readerTimeoutMs is dropped, counted, and goes on later", async () => {
  using stand = openMemory();
  const { out, feeds: [feed] } = open(stand.runtime, configOf({ readerTimeoutMs: TIMEOUT_MS }), 1);
  for (const way of ["sync", "async", "broadcast"]) {
    const before = feed!.getReceiveStats();
    const dropsBefore = out.getStats().droppedReaders;
    const began = performance.now();
    fill(out);
    if (way === "sync") assertEquals(out.waitForRoomSync(LONG_MS), true);
    else if (way === "async") assertEquals(await out.waitForRoom(LONG_MS), true);
    else await waitFor(() => out.broadcast(payload(out.nextSequence), 1, 0));
    assertGreaterOrEqual(performance.now() - began, TIMEOUT_MS);
    assertEquals(out.getStats().droppedReaders, dropsBefore + 1);
    send(out, 3 * CAPACITY);
    // It has all that is still there, knows what it lost, and is waited for again.
    const got = drain(feed!);
    assertEquals(got, range(out.nextSequence - got.length, out.nextSequence));
    assertGreaterOrEqual(got.length, CAPACITY - 2);
    const { missedBlocks, receivedBlocks, droppedByWriter, gaps } = feed!.getReceiveStats();
    assertEquals(droppedByWriter, before.droppedByWriter + 1);
    assertEquals(gaps, before.gaps + 1);
    assertEquals(receivedBlocks + missedBlocks, out.nextSequence);
    assertEquals(fill(out), CAPACITY);
    assertEquals(drain(feed!).length, CAPACITY);
  }
});

test("RingLane, lossless: the others lose nothing by one that is dropped", () => {
  using stand = openMemory();
  const { runtime } = stand;
  const { out, feeds: [silent], stream } = open(runtime, configOf({ readerTimeoutMs: TIMEOUT_MS }), 1);
  // Workers are dropped, so this one has to be another to the writer.
  using steady = new DataSubscriber(configOf({ pollIntervalMs: 7 }), stream, { runtime });
  const got: number[] = [];
  const began = performance.now();
  while (out.getStats().droppedReaders === 0 && performance.now() - began < LONG_MS) {
    if (!out.waitForRoomSync(1)) continue;
    fill(out);
    got.push(...drain(steady));
  }
  for (let turn = 0; turn < 10; turn++) {
    fill(out);
    got.push(...drain(steady));
  }
  assertEquals(got, range(0, out.nextSequence));
  const { missedBlocks, droppedByWriter } = steady.getReceiveStats();
  assertEquals([missedBlocks, droppedByWriter, out.getStats().droppedReaders], [0, 0, 1]);
  drain(silent!);
  assertEquals(silent!.getReceiveStats().droppedByWriter, 1);
  silent!.close();
});

/** The clock of the memory stack's heartbeats, which stands still but for what a test says. Disposing it lets it go on. */
class Clock implements Disposable {
  readonly #now = Date.now;
  #ms = Date.now();

  constructor() {
    Date.now = () => this.#ms;
  }

  advance(ms: number): void {
    this.#ms += ms;
  }

  [Symbol.dispose](): void {
    Date.now = this.#now;
  }
}

test("RingLane, lossless: a slow subscriber that goes on is never dropped, nor one that has nothing to read", () => {
  using stand = openMemory();
  using clock = new Clock();
  const { out, feeds: [feed] } = open(stand.runtime, configOf({ readerTimeoutMs: TIMEOUT_MS }), 1);
  const got: number[] = [];
  for (let turn = 0; turn < 3 * CAPACITY; turn++) {
    fill(out);
    clock.advance(TIMEOUT_MS);
    assertEquals(fill(out), 0);
    feed!.poll((block) => void got.push(checkBlock(block)), 1);
  }
  got.push(...drain(feed!));
  // Nothing to read, or not so much that the writer has to wait.
  clock.advance(1000 * TIMEOUT_MS);
  send(out, CAPACITY);
  clock.advance(1000 * TIMEOUT_MS);
  got.push(...drain(feed!));
  assertEquals(got, range(0, out.nextSequence));
  assertEquals([out.getStats().droppedReaders, feed!.getReceiveStats().droppedByWriter], [0, 0]);
  // One millisecond more is too much.
  fill(out);
  clock.advance(TIMEOUT_MS);
  assertEquals(fill(out), 0);
  clock.advance(1);
  assertEquals(out.broadcast(payload(out.nextSequence), 1, 0), true);
  assertEquals(out.getStats().droppedReaders, 1);
});

/** Ways to have a block in hand for too long. */
const HANDS: Record<string, (feed: DataSubscriber, meanwhile: (block: Block) => void) => void | Promise<void>> = {
  poll: (feed, meanwhile) => void feed.poll(meanwhile, 1),
  "for await": async (feed, meanwhile) => {
    for await (const block of feed) {
      meanwhile(block);
      break;
    }
  },
};

for (const [way, take] of Object.entries(HANDS)) {
  test(`DataSubscriber, lossless, ${way}: a block that was in hand for too long is not intact, and counts as missed`, async () => {
    using stand = openMemory();
    const { out, feeds: [feed] } = open(stand.runtime, configOf({ readerTimeoutMs: TIMEOUT_MS }), 1);
    send(out, 1);
    assertEquals(drain(feed!), [0]);
    fill(out);
    let isIntact = true;
    await take(feed!, (block) => {
      assertEquals([checkBlock(block), block.intact], [1, true]);
      fill(out);
      assert(out.waitForRoomSync(LONG_MS));
      send(out, 2 * CAPACITY);
      isIntact = block.intact;
    });
    const got = drain(feed!);
    assertEquals(got, range(out.nextSequence - got.length, out.nextSequence));
    const { receivedBlocks, missedBlocks, tornBlocks, droppedByWriter } = feed!.getReceiveStats();
    assertEquals([isIntact, tornBlocks, droppedByWriter], [false, 1, 1]);
    assertEquals([receivedBlocks, receivedBlocks + missedBlocks], [1 + got.length, out.nextSequence]);
    assertEquals(fill(out), CAPACITY);
  });
}
