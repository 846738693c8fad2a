// SPDX-License-Identifier: Apache-2.0
// C++ processes over iceoryx's own API: what they publish is received here, and what is broadcast here they receive. Both sides
// compute what each block has to contain from its sequence, so every field of every block is checked.
import { after, before, test } from "node:test";
import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  type Block,
  BLOCK_DATA_SIZE,
  BLOCK_HEADER_SIZE,
  BroadcastConfig,
  DataBroadcaster,
  DataSubscriber,
  Runtime,
  Tick,
} from "../mod.ts";
import {
  checkPattern,
  fillPattern,
  patternChecksum,
  patternDataType,
  type PatternKind,
  patternLength,
  patternRecordCount,
  patternRecordSize,
  patternTick,
  patternTimestampNs,
} from "./support/pattern.ts";
import { type Process, startProgram } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";
import { delay, waitFor } from "./support/wait.ts";

const LOSSY = new BroadcastConfig();
const LOSSLESS = new BroadcastConfig({ delivery: "lossless" });
/** Long enough for 100,000 checked blocks on a busy machine. */
const TIMEOUT_MS = 120_000;

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

let streams = 0;
const newStream = (): string => `peers_${++streams}`;

/** What a peer publisher prints at its end. */
interface Published {
  readonly published: number;
  readonly first: number;
  readonly last: number;
  readonly checksum: number;
}

/** What a peer subscriber prints at its end. */
interface Received {
  readonly received: number;
  readonly missed: number;
  readonly bad: number;
  readonly backwards: number;
  readonly first: number;
  readonly last: number;
  readonly publishers: number;
  readonly checksum: number;
}

const startPublisher = (stream: string, ...args: string[]): Process =>
  startProgram("build/bin/peer_publisher", ["--stream", stream, "--wait-subscribers", "1", ...args]);
const startSubscriber = (stream: string, ...args: string[]): Process =>
  startProgram("build/bin/peer_subscriber", ["--stream", stream, ...args]);

/** The line of JSON that a peer ends with. */
async function resultOf<Result>(peer: Process): Promise<Result> {
  const exit = await peer.exited({ timeoutMs: TIMEOUT_MS });
  assertEquals(exit, { code: 0, signal: null }, peer.report());
  return JSON.parse(peer.lines.at(-1)!);
}

/** Checks every field of a block that the C++ publisher sent. Returns its sequence. */
function checkCppBlock(block: Block, kind: PatternKind): number {
  const { sequence, data } = block;
  const same = block.recordCount === patternRecordCount(kind, sequence) &&
    block.dataType === patternDataType(kind, sequence) && block.timestampNs === patternTimestampNs(sequence) &&
    block.recordSize === 0 && block.schemaId === 0 && block.sourceSequence === sequence && block.intact &&
    data.length === BLOCK_DATA_SIZE;
  if (!same) throw new Error(`the header of block ${sequence} differs`);
  // The bytes that the C++ side does not know are zero as it left them.
  const header = new Uint8Array(data.buffer, data.byteOffset - BLOCK_HEADER_SIZE, BLOCK_HEADER_SIZE);
  for (let at = 25; at < BLOCK_HEADER_SIZE; at++) {
    if (header[at] !== 0) throw new Error(`header byte ${at} of block ${sequence} is ${header[at]}`);
  }
  if (kind === "full") {
    const fault = checkPattern(kind, sequence, data.subarray(0, patternLength(kind, sequence)));
    if (fault !== "") throw new Error(fault);
    return sequence;
  }
  const ticks = block.records(Tick);
  if (ticks.length !== block.recordCount) throw new Error(`block ${sequence} has ${ticks.length} ticks`);
  let index = 0;
  for (const tick of ticks) {
    const wanted = patternTick(sequence, index);
    const equal = tick.timestampNs === wanted.timestampNs && tick.last === wanted.last && tick.bid === wanted.bid &&
      tick.ask === wanted.ask && tick.volume === wanted.volume && tick.symbol === wanted.symbol;
    if (!equal) throw new Error(`tick ${index} of block ${sequence} is ${JSON.stringify(tick.toObject(), text)}`);
    index++;
  }
  return sequence;
}

const text = (_: string, value: unknown): unknown => typeof value === "bigint" ? `${value}` : value;

/** Broadcasts the blocks of a pattern, waiting for room where there is none. Returns their checksum. */
function broadcastPattern(out: DataBroadcaster, kind: PatternKind, count: number): number {
  const data = new Uint8Array(BLOCK_DATA_SIZE);
  let checksum = 0;
  for (let sent = 0; sent < count; sent++) {
    const sequence = out.nextSequence;
    const length = fillPattern(kind, sequence, data);
    const used = data.subarray(0, length);
    checksum = (checksum + patternChecksum(used)) >>> 0;
    const recordCount = patternRecordCount(kind, sequence);
    while (!out.broadcast(used, recordCount, patternDataType(kind, sequence))) {
      assert(out.waitForRoomSync(30_000), "the peer does not read");
    }
  }
  return checksum;
}

for (const [kind, count] of [["ticks", 100_000], ["full", 100_000]] as const) {
  test(`C++ publishes ${count} blocks of ${kind}: every field of every block arrives`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    using feed = new DataSubscriber(LOSSLESS, stream, { runtime });
    await using peer = startPublisher(stream, "--count", `${count}`, "--pattern", kind, "--lossless");
    let next = 0;
    let checksum = 0;
    const handler = (block: Block): void => {
      if (checkCppBlock(block, kind) !== next) throw new Error(`block ${block.sequence} came as number ${next}`);
      checksum = (checksum + patternChecksum(block.data, patternLength(kind, next))) >>> 0;
      next++;
    };
    while (next < count) {
      assert(feed.waitSync(30_000), `block ${next} does not come: ${peer.report()}`);
      feed.poll(handler);
      // The peer's output and end are seen in turns of the event loop.
      if (next % 5000 < 256) await delay(0);
    }
    const result = await resultOf<Published>(peer);
    assertEquals([result.published, result.last, result.checksum], [count, count - 1, checksum]);
    assertEquals(feed.receive(), null);
    const { receivedBlocks, missedBlocks, gaps, broadcasters, foreignChunks } = feed.getReceiveStats();
    assertEquals([receivedBlocks, missedBlocks, gaps, broadcasters, foreignChunks], [count, 0, 0, 1, 0]);
  });

  test(`C++ receives ${count} blocks of ${kind}: every field of every block arrives`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    using out = new DataBroadcaster(LOSSLESS, stream, { runtime });
    await using peer = startSubscriber(
      stream,
      ...["--count", `${count}`, "--pattern", kind, "--expect", "ours", "--lossless"],
      ...["--record-size", `${patternRecordSize(kind)}`, "--schema-id", "0"],
    );
    await waitFor(() => out.hasSubscribers());
    const checksum = broadcastPattern(out, kind, count);
    const result = await resultOf<Received>(peer);
    assertEquals(result, {
      received: count,
      missed: 0,
      bad: 0,
      backwards: 0,
      first: 0,
      last: count - 1,
      publishers: 1,
      checksum,
    }, peer.report());
  });
}

test("C++ receives what a record writer writes, with its schema id", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  using out = new DataBroadcaster(LOSSLESS.with({ flushAfterMs: 60_000 }), stream, { runtime });
  const count = 113 * 20;
  await using peer = startSubscriber(
    stream,
    ...["--count", `${count}`, "--expect", "ours", "--lossless"],
    ...["--record-size", `${Tick.size}`, "--schema-id", `${Tick.id}`],
  );
  await waitFor(() => out.hasSubscribers());
  const ticks = out.writer(Tick);
  for (let sequence = 0; sequence < count; sequence++) {
    for (let index = 0; index < patternRecordCount("ticks", sequence); index++) {
      while (!ticks.write(patternTick(sequence, index))) assert(out.waitForRoomSync(30_000));
    }
    while (!ticks.flush()) assert(out.waitForRoomSync(30_000));
    assertEquals(out.nextSequence, sequence + 1);
  }
  const { received, missed, bad, backwards } = await resultOf<Received>(peer);
  assertEquals([received, missed, bad, backwards], [count, 0, 0, 0], peer.report());
});

test("C++ receives what was written into loans", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  using out = new DataBroadcaster(LOSSLESS, stream, { runtime });
  const count = 1000;
  await using peer = startSubscriber(
    stream,
    ...["--count", `${count}`, "--pattern", "full", "--expect", "ours", "--lossless", "--record-size", "8"],
  );
  await waitFor(() => out.hasSubscribers());
  for (let sequence = 0; sequence < count; sequence++) {
    let loan = out.loan();
    for (; loan === null; loan = out.loan()) assert(out.waitForRoomSync(30_000));
    const length = fillPattern("full", sequence, loan.data);
    loan.publish(length, patternRecordCount("full", sequence), patternDataType("full", sequence));
  }
  const { received, missed, bad } = await resultOf<Received>(peer);
  assertEquals([received, missed, bad], [count, 0, 0], peer.report());
});

test("what C++ publishes faster than it is read is lost, counted to the block", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  using feed = new DataSubscriber(LOSSY.with({ queueCapacity: 64 }), stream, { runtime });
  const count = 50_000;
  await using peer = startPublisher(stream, "--count", `${count}`, "--rate", "40000", "--hold-ms", "60000");
  await peer.waitForLine("ready");
  let first = -1;
  let last = -1;
  let received = 0;
  let holes = 0;
  const handler = (block: Block): void => {
    const sequence = checkCppBlock(block, "ticks");
    if (first < 0) first = sequence;
    else {
      assertGreater(sequence, last);
      if (sequence > last + 1) holes++;
    }
    last = sequence;
    received++;
  };
  while (last < count - 1) {
    feed.poll(handler, 20);
    await delay(1);
  }
  peer.closeInput();
  const result = await resultOf<Published>(peer);
  assertEquals([result.published, result.last], [count, last]);
  const { receivedBlocks, missedBlocks, gaps } = feed.getReceiveStats();
  assertEquals([receivedBlocks, receivedBlocks + missedBlocks, gaps], [received, last - first + 1, holes]);
  assertGreater(missedBlocks, 0);
});

test("what is broadcast faster than C++ reads is lost to it, and its count is ours", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  using out = new DataBroadcaster(LOSSY, stream, { runtime });
  const count = 20_000;
  await using peer = startSubscriber(
    stream,
    ...["--last-sequence", `${count - 1}`, "--expect", "ours", "--record-size", "72", "--capacity", "32"],
    ...["--delay-us", "50"],
  );
  await waitFor(() => out.hasSubscribers());
  broadcastPattern(out, "ticks", count);
  const { received, missed, bad, backwards, first, last } = await resultOf<Received>(peer);
  assertEquals([bad, backwards, last], [0, 0, count - 1], peer.report());
  assertEquals(received + missed, count - first);
  assertGreater(missed, 0);
});

test("two C++ publishers of one stream are told apart, each with its own order and losses", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  using feed = new DataSubscriber(LOSSLESS, stream, { runtime });
  const count = 5000;
  const starts = [0, 1_000_000];
  await using one = startPublisher(stream, "--count", `${count}`, "--lossless");
  await using two = startPublisher(
    stream,
    ...["--count", `${count}`, "--first-sequence", "1000000", "--skip-every", "10", "--lossless"],
  );
  const byEpoch = new Map<bigint, number[]>();
  const handler = (block: Block): void => {
    const sequences = byEpoch.get(block.epoch) ?? [];
    byEpoch.set(block.epoch, sequences);
    sequences.push(checkCppBlock(block, "ticks"));
  };
  const wanted = count + count * 0.9;
  for (let handled = 0; handled < wanted;) {
    assert(feed.waitSync(30_000));
    handled += feed.poll(handler);
    await delay(0);
  }
  for (const peer of [one, two]) await resultOf<Published>(peer);
  const lists = [...byEpoch.values()].sort((a, b) => a[0]! - b[0]!);
  assertEquals(lists.map((sequences) => [sequences.length, sequences[0]]), [[count, 0], [count * 0.9, 1_000_000]]);
  for (const [index, sequences] of lists.entries()) {
    const all = Array.from({ length: count }, (_, offset) => starts[index]! + offset);
    assertEquals(sequences, index === 0 ? all : all.filter((_, offset) => offset % 10 !== 9));
  }
  // The last hole of the 500 is behind the last block, where nobody can know of it.
  const { receivedBlocks, missedBlocks, gaps, broadcasters } = feed.getReceiveStats();
  assertEquals([receivedBlocks, missedBlocks, gaps, broadcasters], [wanted, 499, 499, 2]);
});

test("a stream that C++ and this module broadcast at once is read by both", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  const count = 3000;
  using out = new DataBroadcaster(LOSSLESS, stream, { runtime });
  using feed = new DataSubscriber(LOSSLESS, stream, { runtime });
  await using reader = startSubscriber(stream, "--count", `${count * 2}`, "--raw", "--lossless");
  await reader.waitForLine("ready");
  await waitFor(() => out.getSubscriberCount() === 2);
  await using writer = startPublisher(stream, "--count", `${count}`, "--wait-subscribers", "2", "--lossless");
  const got = new Map<bigint, number>();
  const data = new Uint8Array(BLOCK_DATA_SIZE);
  for (let handled = 0; handled < count * 2;) {
    const sequence = out.nextSequence;
    if (sequence < count) {
      const length = fillPattern("ticks", sequence, data);
      out.broadcast(data.subarray(0, length), patternRecordCount("ticks", sequence), 0);
    }
    handled += feed.poll((block) => {
      const { epoch } = block;
      const expected = got.get(epoch) ?? 0;
      if (epoch !== out.epoch) checkCppBlock(block, "ticks");
      else assertEquals(checkPattern("ticks", block.sequence, block.data), "");
      assertEquals(block.sequence, expected);
      got.set(epoch, expected + 1);
    });
    if (handled % 100 === 0) await delay(0);
  }
  assertEquals([...got.values()], [count, count]);
  await resultOf<Published>(writer);
  const { received, missed, backwards, publishers } = await resultOf<Received>(reader);
  assertEquals([received, missed, backwards, publishers], [count * 2, 0, 0, 2], reader.report());
});

test("late subscribers beside a live one get the history of a C++ publisher that goes on, in order and without duplicates", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  using live = new DataSubscriber(LOSSY, stream, { runtime });
  await using peer = startPublisher(stream, "--history", "16", "--rate", "20000");
  await waitFor(() => live.poll(() => {}) > 0);
  for (let round = 0; round < 300; round++) {
    using late = new DataSubscriber(LOSSY.with({ history: 16 }), stream, { runtime });
    let first = -1;
    let last = -1;
    let got = 0;
    while (got < 24) {
      late.poll((block) => {
        if (got++ === 0) first = block.sequence;
        else assertGreater(block.sequence, last);
        last = block.sequence;
      });
      live.poll(() => {});
    }
    // A block that the publisher had on its way when the history was taken may be missing; it is counted then.
    assertEquals(late.getReceiveStats().missedBlocks, last - first + 1 - got);
  }
  peer.closeInput();
  await resultOf<Published>(peer);
});

test("history of a C++ publisher reaches a late subscriber here, and ours a late one in C++", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  using early = new DataSubscriber(LOSSY, stream, { runtime });
  await using peer = startPublisher(stream, "--count", "100", "--history", "16", "--hold-ms", "60000");
  await waitFor(() => early.poll(() => {}, 256) > 0 && early.getReceiveStats().receivedBlocks >= 1);
  await waitFor(() => {
    early.poll(() => {});
    return early.getReceiveStats().receivedBlocks + early.getReceiveStats().missedBlocks >= 100;
  });
  for (const closeEarly of [false, true]) {
    if (closeEarly) early.close();
    using late = new DataSubscriber(LOSSY.with({ history: 16 }), stream, { runtime });
    const got: number[] = [];
    await waitFor(() => {
      late.poll((block) => void got.push(checkCppBlock(block, "ticks")));
      return got.length >= 16;
    });
    assertEquals(got, Array.from({ length: 16 }, (_, index) => 84 + index));
  }
  peer.closeInput();
  await resultOf<Published>(peer);

  const ours = newStream();
  using out = new DataBroadcaster(LOSSY.with({ history: 16 }), ours, { runtime });
  broadcastPattern(out, "ticks", 50);
  await using reader = startSubscriber(ours, "--count", "16", "--history", "16", "--record-size", "72");
  const { received, bad, first, last } = await resultOf<Received>(reader);
  assertEquals([received, bad, first, last], [16, 0, 34, 49], reader.report());
});
