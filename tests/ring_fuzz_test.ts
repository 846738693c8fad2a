// SPDX-License-Identifier: Apache-2.0
// Rings whose memory changes to anything while it is used: wrong bytes at the worst, and no call that does not come back.
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import {
  type Block,
  BroadcastConfig,
  type BroadcastConfigFields,
  DataBroadcaster,
  DataSubscriber,
  IpcError,
  MarketDataType,
  type Runtime,
  Tick,
} from "../mod.ts";
import { drain, newStream, payload, send } from "./conformance/tools.ts";
import { NO_ORIGIN } from "./memory/rings.ts";
import { type MemoryStand, openMemory, RawRing, RingMemory } from "./ring/raw_ring.ts";
import { scribble } from "./ring/scribble.ts";
import type { ScribblerTask } from "./ring/scribbler.ts";
import { Random } from "./support/random.ts";

const CAPACITY = 16;
const ENTRIES = 8;
const DATA_MAX = 8160;
const FUZZ_SEEDS = 150;
const FUZZ_TURNS = 60;
/** A ring that is written and read at the same time. */
const RACE = {
  capacity: CAPACITY,
  entries: ENTRIES,
  maxSubscribers: 1000,
  heartbeatIntervalMs: 1000,
  readerTimeoutMs: 1000,
  firstSequence: 0,
};

function configOf(fields: Partial<BroadcastConfigFields> = {}): BroadcastConfig {
  return new BroadcastConfig({ bufferDepth: CAPACITY, lane: "ring", queueLane: "off", ...fields });
}

/** Calls what may fail, but in no way that is not foreseen. */
function orTyped<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof IpcError)) throw error;
    return undefined;
  }
}

/** Everything that can be asked of a block. */
function examine(block: Block): void {
  const { data, recordCount, sequence, epoch } = block;
  assertLessOrEqual(data.length, DATA_MAX);
  assert(typeof sequence === "number" && typeof epoch === "bigint" && recordCount >= 0);
  void [block.timestampMs, block.timestampNs, block.dataType, block.recordSize, block.schemaId, block.intact];
  void block.sourceSequence;
  const records = orTyped(() => block.records(Tick));
  if (records === undefined) return;
  assertLessOrEqual(records.length * Tick.size, DATA_MAX);
  if (records.length > 0) void [records.at(0).last, records.at(records.length - 1).symbol];
}

/** A kind of reader, and what it does at each turn. */
interface Kind {
  readonly fields: Partial<BroadcastConfigFields>;
  readonly observe?: boolean;
  turn(feed: DataSubscriber, spoil: () => void): void;
}

function pollAll(feed: DataSubscriber, spoil: () => void): void {
  let blocks = 0;
  const handled = feed.poll((block) => {
    blocks++;
    examine(block);
    // Under the hands of the reader.
    if (blocks % 3 === 0) {
      spoil();
      examine(block);
    }
  });
  assertEquals(handled, blocks);
}

function waits(feed: DataSubscriber): void {
  void [feed.hasData(), feed.waitSync(0), feed.state, feed.queueCapacity];
}

const KINDS: Record<string, Kind> = {
  stable: { fields: {}, turn: pollAll },
  "in-place": { fields: { read: "in-place" }, turn: pollAll },
  gating: { fields: { delivery: "lossless" }, turn: pollAll },
  observing: { fields: { delivery: "lossless" }, observe: true, turn: pollAll },
  "all at once": {
    fields: { history: "all" },
    // The memory stands still: whatever it says, a reader comes to its end.
    turn: (feed) => assertLessOrEqual(feed.poll(examine, Infinity), 4 * CAPACITY),
  },
  receiving: {
    fields: { read: "in-place" },
    turn: (feed) => {
      const data = feed.receive();
      if (data !== null) assertLessOrEqual(data.length, DATA_MAX);
      waits(feed);
    },
  },
  waiting: { fields: { history: 8 }, turn: waits },
};

/** Reads a ring while its memory is scribbled over, turn by turn. Returns how many blocks were read. */
function fuzz(stand: MemoryStand, kind: Kind, seed: number): number {
  const { runtime, transport } = stand;
  const random = new Random(seed);
  const stream = newStream();
  const config = configOf(kind.fields);
  const lossless = config.delivery === "lossless";
  const ring = new RawRing(transport, stream, { capacity: CAPACITY, entries: ENTRIES, lossless });
  const { memory } = ring;
  const spoil = (): void => scribble(random, memory);
  const { observe = false } = kind;
  // With another, copies are shared.
  using other = new DataSubscriber(config, stream, { runtime, observe });
  using feed = new DataSubscriber(config, stream, { runtime, observe });
  let next = 0;
  for (let turn = 0; turn < FUZZ_TURNS; turn++) {
    // Whatever the head says by now, blocks go on from there, so that readers that believed it have something to read.
    next = Math.max(next, memory.head % 2 ** 53) + random.pick([0, 0, 0, 1, CAPACITY]);
    for (let count = random.integer(0, 6); count > 0; count--) memory.setBlock(next++);
    memory.setHead(next);
    for (let count = random.integer(0, 3); count > 0; count--) spoil();
    for (const reader of turn % 2 === 0 ? [feed, other] : [other, feed]) orTyped(() => kind.turn(reader, spoil));
    const { receivedBlocks, missedBlocks, receivedBytes } = feed.getReceiveStats();
    assert(receivedBlocks >= 0 && missedBlocks >= 0 && receivedBytes >= 0);
  }
  ring.close();
  return feed.getReceiveStats().receivedBlocks;
}

/** After all of that, the runtime is what it was. */
function assertSound(runtime: Runtime): void {
  const stream = newStream();
  using feed = new DataSubscriber(configOf(), stream, { runtime });
  using out = new DataBroadcaster(configOf(), stream, { runtime });
  send(out, 5);
  assertEquals(drain(feed).length, 5);
}

for (const [name, kind] of Object.entries(KINDS)) {
  test(`RingReader, ${name}: any words anywhere give wrong bytes at the worst`, () => {
    using stand = openMemory();
    let blocks = 0;
    for (let seed = 1; seed <= FUZZ_SEEDS; seed++) blocks += fuzz(stand, kind, seed);
    // It is not that they all gave up at once.
    if (name !== "waiting") assertGreater(blocks, 10 * FUZZ_SEEDS);
    assertSound(stand.runtime);
  });
}

test("RingReader: memory that changes at the very moment of a look gives wrong bytes at the worst", async () => {
  using stand = openMemory();
  const { runtime, transport } = stand;
  for (const [seed, lossless] of [[1, false], [2, true]] as const) {
    const stream = newStream();
    const kinds = [KINDS["stable"]!, KINDS["in-place"]!, KINDS["gating"]!, KINDS["receiving"]!];
    const ring = transport.createRing({ service: "QAULTRA", stream }, { ...RACE, lossless });
    ring.announce(NO_ORIGIN);
    const feeds = kinds.map(({ fields }, index) => {
      const config = configOf({ ...fields, delivery: lossless ? "lossless" : "lossy", pollIntervalMs: 1 + index });
      return new DataSubscriber(config, stream, { runtime });
    });
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const workerData: ScribblerTask = { data: ring.data, table: ring.table, seed, stop };
    const worker = new Worker(new URL("./ring/scribbler.ts", import.meta.url), { workerData });
    await once(worker, "message");
    for (let turn = 0; turn < 2000; turn++) {
      feeds.forEach((feed, index) => orTyped(() => kinds[index]!.turn(feed, () => {})));
      const block = orTyped(() => feeds[0]!.receiveBlock()) ?? null;
      const copy = block?.data.slice();
      for (let look = 0; look < 10; look++) assertEquals(block?.data, copy);
      block?.release();
    }
    Atomics.store(stop, 0, 1);
    await once(worker, "message");
    await worker.terminate();
    for (const feed of feeds) {
      assertGreater(feed.getReceiveStats().receivedBlocks, 0);
      feed.close();
    }
    ring.close();
  }
  assertSound(runtime);
});

test("RingReader: held blocks are what they were, whatever is done to the ring", () => {
  using stand = openMemory();
  const { runtime, transport } = stand;
  let copies = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed);
    const stream = newStream();
    const config = configOf({ delivery: seed % 2 === 0 ? "lossy" : "lossless" });
    using out = new DataBroadcaster(config, stream, { runtime });
    const memory = RingMemory.of(transport, out.epoch);
    using feed = new DataSubscriber(config, stream, { runtime });
    const held: { block: Block; sequence: number; data: Uint8Array }[] = [];
    for (let turn = 0; turn < 60; turn++) {
      orTyped(() => out.broadcast(payload(turn, random.integer(0, DATA_MAX)), 1, MarketDataType.Tick));
      for (let count = random.integer(0, 3); count > 0; count--) scribble(random, memory);
      const block = orTyped(() => feed.receiveBlock()) ?? null;
      if (block !== null) held.push({ block, sequence: block.sequence, data: block.data.slice() });
      if (held.length > 0 && random.integer(0, 3) === 0) held.splice(0, 1)[0]!.block.release();
      for (const { block, sequence, data } of held) {
        examine(block);
        assertEquals([block.sequence, block.intact], [sequence, true]);
        assertEquals(block.data, data);
        copies++;
      }
    }
  }
  assertGreater(copies, 1000);
  assertSound(runtime);
});

test("RingReader: a loop goes on or ends with a typed error, whatever is done to the ring", async () => {
  using stand = openMemory();
  const { runtime, transport } = stand;
  let turns = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed);
    const stream = newStream();
    const fields = random.pick([{}, { read: "in-place" }, { delivery: "lossless" }] as const);
    using out = new DataBroadcaster(configOf(fields), stream, { runtime });
    const memory = RingMemory.of(transport, out.epoch);
    using feed = new DataSubscriber(configOf(fields), stream, { runtime });
    const scribbling = setInterval(() => {
      for (let count = 0; count < 20; count++) scribble(random, memory);
      orTyped(() => out.broadcast(payload(turns), 1, MarketDataType.Tick));
    }, 1);
    try {
      for await (const block of feed.blocks({ signal: AbortSignal.timeout(50) })) {
        turns++;
        examine(block);
        scribble(random, memory);
      }
    } catch (error) {
      assert(error instanceof IpcError, `${error}`);
    } finally {
      clearInterval(scribbling);
    }
  }
  assertGreater(turns, 0);
  assertSound(runtime);
});

test("RingWriter: any words anywhere neither stop a broadcaster nor keep it", async () => {
  using stand = openMemory();
  const { runtime, transport } = stand;
  let refused = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    const stream = newStream();
    const config = configOf({ delivery: "lossless", readerTimeoutMs: 1 });
    using out = new DataBroadcaster(config, stream, { runtime });
    const memory = RingMemory.of(transport, out.epoch);
    using _feed = new DataSubscriber(config, stream, { runtime });
    for (let turn = 0; turn < 100; turn++) {
      for (let count = random.integer(1, 3); count > 0; count--) scribble(random, memory);
      const sequence = out.nextSequence;
      const sent = out.broadcast(payload(turn), 1, MarketDataType.Tick);
      assertEquals(out.nextSequence, sequence + (sent ? 1 : 0));
      if (!sent) refused++;
      assert(Number.isSafeInteger(out.getSubscriberCount()) && out.getSubscriberCount() <= ENTRIES * 1000);
      if (turn % 20 === 0) void [out.waitForRoomSync(1), await out.waitForRoom(1)];
    }
  }
  assertGreater(refused, 0);
  assertSound(runtime);
});
