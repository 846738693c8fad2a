// SPDX-License-Identifier: Apache-2.0
// Both lanes of one stream at once: unmodified C++ processes on the queue lane beside readers of rings, and subscribers that move from
// one to the other.
import { after, before, test } from "node:test";
import { assert, assertEquals, assertGreater, assertGreaterOrEqual } from "@std/assert";
import { type Block, BroadcastConfig, DataBroadcaster, DataSubscriber, Runtime } from "../mod.ts";
import { RING_OFFSET_QUEUE_SUBSCRIBERS } from "../src/ring/layout.ts";
import { epochOf } from "./ring/epoch.ts";
import { sendAll, sendNext } from "./ring/payload.ts";
import { meanwhile, otherRuntime, pathsOf, ReaderPeer, runOf, wordOf, WriterPeer } from "./ring/peers.ts";
import { type Process, startProgram, startScript } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";
import { delay, waitFor, within } from "./support/wait.ts";

const LOSSLESS = { delivery: "lossless" } as const;
const LONG_MS = 30_000;

/** What a C++ subscriber prints at its end. */
interface Received {
  readonly received: number;
  readonly missed: number;
  readonly backwards: number;
  readonly first: number;
  readonly last: number;
}

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

let streams = 0;
const newStream = (): string => `lanes_${++streams}`;

function startSubscriber(stream: string, ...args: readonly string[]): Process {
  return startProgram("build/bin/peer_subscriber", ["--stream", stream, "--raw", ...args]);
}

function startPublisher(stream: string, ...args: readonly string[]): Process {
  return startProgram("build/bin/peer_publisher", ["--stream", stream, "--count", "0", "--rate", "2000", ...args]);
}

async function resultOf(peer: Process): Promise<Received> {
  assertEquals(await peer.exited(), { code: 0, signal: null }, peer.report());
  return JSON.parse(peer.lines.at(-1)!);
}

/** Native subscribers, as the word says that the writer looks at for every block. */
function queueSubscribers(epoch: string): number {
  return wordOf(pathsOf(epoch).data, RING_OFFSET_QUEUE_SUBSCRIBERS);
}

test("DataBroadcaster lossless, on both lanes: C++ on the queue lane gets each block while it is subscribed, and readers of the ring all", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  using out = new DataBroadcaster(new BroadcastConfig(LOSSLESS), stream, { runtime });
  const epoch = epochOf(out);
  const config = { ...LOSSLESS, lane: "ring" } as const;
  await using reader = await ReaderPeer.start(stream, { config });
  await using other = await ReaderPeer.start(stream, { config, way: "for await" }, { runtime: otherRuntime });
  const sendUpTo = async (end: number): Promise<void> => {
    while (out.nextSequence < end) {
      sendAll(out, end - out.nextSequence);
      assert(await out.waitForRoom(LONG_MS));
    }
  };
  for (let round = 1; round <= 3; round++) {
    await waitFor(() => queueSubscribers(epoch) === 0);
    assertEquals(out.getSubscriberCount(), 2);
    const began = out.nextSequence;
    await sendUpTo(began + 500);
    const last = began + 10_000;
    await using peer = startSubscriber(stream, "--lossless", "--last-sequence", String(last));
    // It joins while blocks are sent.
    await waitFor(() => sendNext(out) && queueSubscribers(epoch) === 1);
    assertEquals(out.getSubscriberCount(), 3);
    const joined = out.nextSequence;
    await sendUpTo(last + 1);
    const { received, missed, backwards, first, last: end } = await resultOf(peer);
    assertEquals([missed, backwards, end, received], [0, 0, last, last - first + 1], peer.report());
    assert(first >= began + 500 && first <= joined, `${first} is not from ${began + 500} to ${joined}`);
    await sendUpTo(last + 500);
  }
  for (const peer of [reader, other]) {
    await peer.ask(`until ${out.nextSequence - 1}`);
    const { runs, faults, missedBlocks } = await peer.ask("stats");
    assertEquals([runs, faults, missedBlocks], [[runOf(epoch, 0, out.nextSequence)], [], 0]);
    await peer.end();
  }
  assertEquals(out.getStats().queueLaneMissedBlocks, 0);
});

test("DataBroadcaster with queueLane off offers nothing to C++, and never waits for it", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  using out = new DataBroadcaster(new BroadcastConfig({ ...LOSSLESS, queueLane: "off" }), stream, { runtime });
  assertEquals(runtime.streams().find((info) => info.stream === stream)?.lanes, ["ring"]);
  await using peer = startSubscriber(stream, "--lossless", "--capacity", "1");
  await peer.waitForLine("ready");
  using queue = new DataSubscriber(new BroadcastConfig({ ...LOSSLESS, lane: "queue" }), stream, { runtime });
  using feed = new DataSubscriber(new BroadcastConfig(LOSSLESS), stream, { runtime });
  for (let round = 0; round < 20; round++) {
    assertEquals(sendAll(out, 50), 50);
    assertEquals(feed.poll(() => {}), 50);
    await delay(1);
  }
  assertEquals([queueSubscribers(epochOf(out)), out.getSubscriberCount()], [0, 1]);
  assertEquals([queue.hasData(), queue.state], [false, "waiting"]);
  peer.kill("SIGTERM");
  assertEquals((await resultOf(peer)).received, 0, peer.report());
});

test("DataBroadcaster.broadcast asks nothing of the queue lane while nobody is subscribed there", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  const blocks = 1000;
  await using writer = startScript("tests/ring/silent_writer.ts", [stream, String(blocks)]);
  const epoch = await writer.nextLine();
  using feed = new DataSubscriber(new BroadcastConfig(), stream, { runtime });
  const ask = async (): Promise<Record<string, number>> => {
    writer.writeLine("send");
    return JSON.parse(await writer.nextLine());
  };
  const plain = { qipc_clock_since_ns: blocks };
  for (let round = 0; round < 2; round++) {
    await waitFor(() => queueSubscribers(epoch) === 0);
    assertEquals(await ask(), plain);
    await using peer = startSubscriber(stream);
    await waitFor(() => queueSubscribers(epoch) === 1);
    assertEquals((await ask()).qipc_publisher_publish, blocks);
    peer.kill("SIGTERM");
    await resultOf(peer);
  }
  assertGreater(feed.poll(() => {}), 0);
});

for (const end of ["closed", "killed"] as const) {
  test(`DataSubscriber auto moves from a C++ publisher to a ring and, when that was ${end}, back, without loss or twice`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    await using publisher = startPublisher(stream, "--lossless");
    await publisher.waitForLine("ready");
    const config = new BroadcastConfig(LOSSLESS);
    using polled = new DataSubscriber(config, stream, { runtime });
    using looped = new DataSubscriber(config, stream, { runtime, wait: "park" });
    const got = [new Journal(), new Journal()] as const;
    const loop = (async () => {
      for await (const block of looped) got[1].add(block);
    })();
    const poll = (): void => void polled.poll((block) => got[0].add(block));
    const until = (condition: (journal: Journal) => boolean): Promise<boolean> =>
      waitFor(() => {
        poll();
        return got.every(condition);
      });
    await until((journal) => journal.countOf(null) >= 200);
    for (let round = 0; round < 2; round++) {
      await using writer = await meanwhile(
        poll,
        WriterPeer.start(stream, { config: LOSSLESS }, { runtime: otherRuntime }),
      );
      await meanwhile(poll, writer.ask("send 300"));
      writer.process.writeLine("run 5");
      await until((journal) => journal.countOf(writer.epoch) >= 2000);
      // Reading the ring, they do not read the other.
      const cpp = got.map((journal) => journal.countOf(null));
      await until((journal) => journal.countOf(writer.epoch) >= 3000);
      assertEquals(got.map((journal) => journal.countOf(null)), cpp);
      assertEquals([polled.state, looped.state], ["live", "live"]);
      const { next } = await meanwhile(poll, writer.ask("stats"));
      await meanwhile(poll, end === "closed" ? writer.end() : writer.kill());
      await until((journal) => journal.countOf(null) >= Math.max(...cpp) + 200);
      for (const journal of got) assertEquals(journal.sequencesOf(writer.epoch), upTo(next));
      assertEquals([polled.state, looped.state], ["live", "live"]);
    }
    publisher.kill("SIGTERM");
    await publisher.exited();
    await waitFor(() => polled.state === "ended" && looped.state === "ended");
    looped.close();
    await within(loop);
    for (const journal of got) journal.assertNothingTwice();
    for (const feed of [polled, looped]) {
      const { missedBlocks, broadcasters } = feed.getReceiveStats();
      assertEquals([missedBlocks, broadcasters], [0, 3]);
    }
  });
}

test("DataSubscriber ring takes nothing of a C++ publisher", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  await using publisher = startPublisher(stream);
  await publisher.waitForLine("ready");
  using feed = new DataSubscriber(new BroadcastConfig({ lane: "ring" }), stream, { runtime });
  using queue = new DataSubscriber(new BroadcastConfig({ lane: "queue" }), stream, { runtime });
  let got = 0;
  await waitFor(() => (got += queue.poll(() => {})) >= 200);
  assertEquals([feed.state, feed.hasData(), feed.receive(), feed.waitSync(10)], ["waiting", false, null, false]);
  await using writer = await WriterPeer.start(stream);
  await writer.ask("send 10");
  const journal = new Journal();
  await waitFor(() => feed.poll((block) => journal.add(block)) + journal.countOf(writer.epoch) >= 10);
  assertEquals(journal.sequencesOf(writer.epoch), upTo(10));
  await writer.end();
  await waitFor(() => feed.state === "ended");
  await waitFor(() => (got += queue.poll(() => {})) >= 400);
  const { receivedBlocks, broadcasters } = feed.getReceiveStats();
  assertEquals([feed.receive(), receivedBlocks, broadcasters], [null, 10, 1]);
  assertGreaterOrEqual(queue.getReceiveStats().broadcasters, 1);
});

function upTo(end: number): number[] {
  return Array.from({ length: end }, (_, index) => index);
}

/** The blocks that a subscriber got, by their broadcasters: those of C++ have no schema and no size of a record. */
class Journal {
  readonly #byEpoch = new Map<string, number[]>();

  add(block: Block): void {
    const key = block.recordSize === 0 ? "C++" : epochOf(block);
    const sequences = this.#byEpoch.get(key) ?? [];
    this.#byEpoch.set(key, sequences);
    sequences.push(block.sequence);
  }

  /** Blocks of an epoch, or of C++. */
  countOf(epoch: string | null): number {
    return this.sequencesOf(epoch).length;
  }

  sequencesOf(epoch: string | null): readonly number[] {
    return this.#byEpoch.get(epoch ?? "C++") ?? [];
  }

  assertNothingTwice(): void {
    for (const sequences of this.#byEpoch.values()) {
      assert(sequences.every((sequence, index) => index === 0 || sequence > sequences[index - 1]!));
    }
  }
}

test("DataSubscriber, lane auto: what came by the queue lane stays what it is when the subscriber moves to a ring", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  using feed = new DataSubscriber(new BroadcastConfig(), stream, { runtime });
  using lone = new DataBroadcaster(new BroadcastConfig({ lane: "queue" }), stream, { runtime });
  sendAll(lone, 2);
  using held = feed.receiveBlock()!;
  const loop = feed.blocks();
  const inHand = (await loop.next()).value!;
  const seen = [held, inHand].map((block) => ({ block, sequence: block.sequence, data: block.data.slice() }));
  assertEquals(seen.map(({ sequence }) => sequence), [0, 1]);
  using out = new DataBroadcaster(new BroadcastConfig(), stream, { runtime });
  // Longer than the queue is listened to after the ring was found, and more blocks than its pool would need to come round.
  const deadline = performance.now() + 100;
  while (performance.now() < deadline) {
    sendAll(out, 1);
    sendAll(lone, 1);
    feed.poll(() => {});
    await delay(0);
  }
  for (const { block, sequence, data } of seen) {
    assertEquals([block.released, block.sequence, block.epoch], [false, sequence, lone.epoch]);
    assertEquals(block.data, data);
  }
  await loop.return!();
  held.release();
  // Once they are given back, the queue is left.
  await waitFor(() => (feed.poll(() => {}), lone.getSubscriberCount() === 0));
});
