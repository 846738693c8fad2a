// SPDX-License-Identifier: Apache-2.0
// C++ processes over iceoryx's own API: what they publish is received here, and what is broadcast here they receive. Both sides
// compute what each block has to contain from its sequence, so every field of every block is checked.
import { after, before, test } from "node:test";
import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  type Block,
  BLOCK_DATA_SIZE,
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
  patternLength,
  patternRecordCount,
  patternRecordSize,
  patternTick,
} from "./support/pattern.ts";
import {
  broadcastPattern,
  checkCppBlock,
  newStream,
  openQueueLane,
  type Published,
  type Received,
  resultOf,
  startPublisher,
  startSubscriber,
} from "./support/peers.ts";
import { RouDi } from "./support/roudi.ts";
import { delay, waitFor } from "./support/wait.ts";

const LOSSY = new BroadcastConfig();
const LOSSLESS = new BroadcastConfig({ delivery: "lossless" });
const QUEUE = { lane: "queue" } as const;
/** A broadcaster of the queue lane alone, and one with a ring that serves the queue lane beside it. */
const LANES = ["queue", "auto"] as const;

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

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

  for (const lane of LANES) {
    test(`C++ receives ${count} blocks of ${kind} of lane ${lane}: every field of every block arrives`, async () => {
      using runtime = Runtime.open();
      const stream = newStream();
      using out = new DataBroadcaster(LOSSLESS.with({ lane }), stream, { runtime });
      using _opener = await openQueueLane(out, runtime);
      const first = out.nextSequence;
      const last = first + count - 1;
      await using peer = startSubscriber(
        stream,
        ...["--last-sequence", `${last}`, "--pattern", kind, "--expect", "ours", "--lossless"],
        ...["--record-size", `${patternRecordSize(kind)}`, "--schema-id", "0"],
      );
      await waitFor(() => out.getSubscriberCount() === 2);
      const checksum = broadcastPattern(out, kind, count);
      const result = await resultOf<Received>(peer);
      assertEquals(result, {
        received: count,
        missed: 0,
        bad: 0,
        backwards: 0,
        first,
        last,
        publishers: 1,
        checksum,
      }, peer.report());
      assertEquals(out.getStats().queueLaneMissedBlocks, 0);
    });
  }
}

for (const lane of LANES) {
  test(`C++ receives what a record writer of lane ${lane} writes, with its schema id`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    using out = new DataBroadcaster(LOSSLESS.with({ lane, flushAfterMs: 60_000 }), stream, { runtime });
    using _opener = await openQueueLane(out, runtime);
    const first = out.nextSequence;
    const count = 113 * 20;
    await using peer = startSubscriber(
      stream,
      ...["--last-sequence", `${first + count - 1}`, "--expect", "ours", "--lossless"],
      ...["--record-size", `${Tick.size}`, "--schema-id", `${Tick.id}`],
    );
    await waitFor(() => out.getSubscriberCount() === 2);
    const ticks = out.writer(Tick);
    for (let sequence = first; sequence < first + count; sequence++) {
      for (let index = 0; index < patternRecordCount("ticks", sequence); index++) {
        while (!ticks.write(patternTick(sequence, index))) assert(out.waitForRoomSync(30_000));
      }
      while (!ticks.flush()) assert(out.waitForRoomSync(30_000));
      assertEquals(out.nextSequence, sequence + 1);
    }
    const { received, missed, bad, backwards } = await resultOf<Received>(peer);
    assertEquals([received, missed, bad, backwards], [count, 0, 0, 0], peer.report());
  });

  test(`C++ receives what was written into loans of lane ${lane}`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    using out = new DataBroadcaster(LOSSLESS.with({ lane }), stream, { runtime });
    using _opener = await openQueueLane(out, runtime);
    const first = out.nextSequence;
    const count = 1000;
    await using peer = startSubscriber(
      stream,
      ...["--last-sequence", `${first + count - 1}`, "--pattern", "full", "--expect", "ours", "--lossless"],
      ...["--record-size", "8"],
    );
    await waitFor(() => out.getSubscriberCount() === 2);
    for (let sequence = first; sequence < first + count; sequence++) {
      let loan = out.loan();
      for (; loan === null; loan = out.loan()) assert(out.waitForRoomSync(30_000));
      const length = fillPattern("full", sequence, loan.data);
      loan.publish(length, patternRecordCount("full", sequence), patternDataType("full", sequence));
    }
    const { received, missed, bad } = await resultOf<Received>(peer);
    assertEquals([received, missed, bad], [count, 0, 0], peer.report());
  });
}

test("C++ that subscribes while a ring is written gets each block from its first one on, beside a reader of the ring", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  using out = new DataBroadcaster(LOSSY, stream, { runtime });
  using feed = new DataSubscriber(LOSSY, stream, { runtime });
  let next = 0;
  for (let round = 0; round < 5; round++) {
    const began = out.nextSequence;
    const end = began + 200;
    await using peer = startSubscriber(stream, "--last-sequence", `${end}`, "--expect", "ours", "--record-size", "72");
    // It is there for a while when the last ones are sent, which come in the pace of the polling: nobody is too slow for that.
    await waitFor(() => {
      if (out.nextSequence < end - 50 || out.getSubscriberCount() === 2) broadcastPattern(out, "ticks", 1);
      feed.poll((block) => {
        assertEquals([block.sequence, checkPattern("ticks", block.sequence, block.data)], [next++, ""]);
      });
      return out.nextSequence > end;
    });
    const { received, missed, bad, backwards, first, last } = await resultOf<Received>(peer);
    assertEquals([missed, bad, backwards, last, received], [0, 0, 0, end, end - first + 1], peer.report());
    assert(first >= began, peer.report());
    await waitFor(() => out.getSubscriberCount() === 1);
  }
  assertEquals([feed.getReceiveStats().missedBlocks, next], [0, out.nextSequence]);
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

for (const lane of LANES) {
  test(`what lane ${lane} broadcasts faster than C++ reads is lost to it, and its count is ours`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    using out = new DataBroadcaster(LOSSY.with({ lane }), stream, { runtime });
    using _opener = await openQueueLane(out, runtime);
    const before = out.nextSequence;
    const count = 20_000;
    const end = before + count - 1;
    await using peer = startSubscriber(
      stream,
      ...["--last-sequence", `${end}`, "--expect", "ours", "--record-size", "72", "--capacity", "32"],
      ...["--delay-us", "50"],
    );
    await waitFor(() => out.getSubscriberCount() === 2);
    broadcastPattern(out, "ticks", count);
    const { received, missed, bad, backwards, first, last } = await resultOf<Received>(peer);
    assertEquals([bad, backwards, last], [0, 0, end], peer.report());
    assertEquals(received + missed, end - first + 1);
    assertGreater(missed, 0);
  });
}

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

for (const lane of LANES) {
  test(`a stream that C++ and lane ${lane} of this module broadcast at once is read by both`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    const count = 3000;
    using out = new DataBroadcaster(LOSSLESS.with({ lane }), stream, { runtime });
    // A subscriber that reads a ring does not see those who have none: the queue lane has both.
    using feed = new DataSubscriber(LOSSLESS.with(QUEUE), stream, { runtime });
    using ringFeed = lane === "queue" ? null : new DataSubscriber(LOSSLESS, stream, { runtime });
    using _opener = await openQueueLane(out, runtime);
    const first = out.nextSequence;
    while (feed.receive() !== null);
    await using reader = startSubscriber(stream, "--count", `${count * 2}`, "--raw", "--lossless");
    await reader.waitForLine("ready");
    const subscribers = ringFeed === null ? 3 : 4;
    await waitFor(() => out.getSubscriberCount() === subscribers);
    await using writer = startPublisher(
      stream,
      ...["--count", `${count}`, "--wait-subscribers", "3", "--lossless"],
    );
    const got = new Map<bigint, number>();
    const data = new Uint8Array(BLOCK_DATA_SIZE);
    let onRing = 0;
    for (let handled = 0; handled < count * 2;) {
      const sequence = out.nextSequence;
      if (sequence < first + count) {
        const length = fillPattern("ticks", sequence, data);
        out.broadcast(data.subarray(0, length), patternRecordCount("ticks", sequence), 0);
      }
      handled += feed.poll((block) => {
        const { epoch } = block;
        const expected = got.get(epoch) ?? (epoch === out.epoch ? first : 0);
        if (epoch !== out.epoch) checkCppBlock(block, "ticks");
        else assertEquals(checkPattern("ticks", block.sequence, block.data), "");
        assertEquals(block.sequence, expected);
        got.set(epoch, expected + 1);
      });
      ringFeed?.poll((block) => {
        assertEquals([block.epoch, block.sequence], [out.epoch, onRing++]);
      });
      if (handled % 100 === 0) await delay(0);
    }
    assertEquals(got.get(out.epoch), first + count);
    assertEquals([...got.values()].sort((a, b) => a - b), [count, first + count]);
    if (ringFeed !== null) assertEquals(onRing, first + count);
    await resultOf<Published>(writer);
    const { received, missed, backwards, publishers } = await resultOf<Received>(reader);
    assertEquals([received, missed, backwards, publishers], [count * 2, 0, 0, 2], reader.report());
  });
}

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
  using out = new DataBroadcaster(LOSSY.with({ ...QUEUE, history: 16 }), ours, { runtime });
  broadcastPattern(out, "ticks", 50);
  await using reader = startSubscriber(ours, "--count", "16", "--history", "16", "--record-size", "72");
  const { received, bad, first, last } = await resultOf<Received>(reader);
  assertEquals([received, bad, first, last], [16, 0, 34, 49], reader.report());
});
