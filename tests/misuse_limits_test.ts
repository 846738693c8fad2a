// SPDX-License-Identifier: Apache-2.0
// Limits: of loans, held blocks, ports and pools. What is over one is an error or a counted refusal, and the rest goes on.
import { readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  type Block,
  BlockTooLargeError,
  BroadcastConfig,
  type BroadcastConfigFields,
  DataBroadcaster,
  DataSubscriber,
  HELD_BLOCKS_MAX,
  HeldLimitError,
  MarketDataType,
  Runtime,
  SharedMemoryTooSmallError,
  StreamFullError,
  SubscriberLimitError,
  TooManyLoansError,
  TooManyPublishersError,
  TooManySubscribersError,
} from "../mod.ts";
import { Ground, NATIVE_STACKS } from "./support/ground.ts";
import { assertMisuse, assertStillFlows, assertStillWorks, makePair } from "./support/misuse.ts";
import { occupy, vacate } from "./support/occupy.ts";
import { type Pool, RouDi } from "./support/roudi.ts";
import { waitFor } from "./support/wait.ts";

const { Unknown } = MarketDataType;
const QUEUE = { lane: "queue" } as const;
const PUBLISHERS_MAX = 506;
const SUBSCRIBERS_MAX = 1024;
const SUBSCRIBERS_OF_ONE_PUBLISHER_MAX = 256;
const BLOCK_POOL: Pool = { size: 8320, count: 64 };

for (const stack of NATIVE_STACKS) {
  describe(`limits of one broadcaster or subscriber on ${stack}`, () => {
    let ground: Ground;
    let runtime: Runtime;
    before(async () => {
      ground = await Ground.start(stack, { blocks: 1024 });
      runtime = ground.runtime;
    });
    after(() => ground.stop());

    function broadcaster(stream: string, fields: Partial<BroadcastConfigFields> = {}): DataBroadcaster {
      return new DataBroadcaster(new BroadcastConfig(fields), stream, { runtime });
    }

    function subscriber(stream: string, fields: Partial<BroadcastConfigFields> = {}): DataSubscriber {
      return new DataSubscriber(new BroadcastConfig(fields), stream, { runtime });
    }

    test("the 9th loan of the queue lane throws TooManyLoansError, and the eight still work", () => {
      using out = broadcaster("nine loans", QUEUE);
      using feed = subscriber("nine loans", QUEUE);
      const loans = Array.from({ length: 8 }, () => out.loan()!);
      for (let turn = 0; turn < 3; turn++) {
        assertMisuse(() => out.loan(), TooManyLoansError, { value: 9, limit: 8, says: ["publish or discard"] });
      }
      assertMisuse(() => out.broadcast(Uint8Array.of(1), 1, Unknown), TooManyLoansError, { limit: 8 });
      assertEquals(new Set(loans.map((loan) => loan.data.byteOffset)).size, 8);
      loans.forEach((loan, index) => {
        loan.data[0] = index;
        loan.publish(1, 1, Unknown);
      });
      for (let index = 0; index < 8; index++) assertEquals(feed.receive(), Uint8Array.of(index));
      assertStillFlows(out, feed);
    });

    for (const lane of ["auto", "queue"] as const) {
      test(`${lane}: the 257th held block throws HeldLimitError, counted, and nothing is lost by asking`, () => {
        using out = broadcaster("held", { lane });
        using feed = subscriber("held", { lane });
        const held: Block[] = [];
        for (let value = 0; value < HELD_BLOCKS_MAX; value++) {
          assert(out.broadcast(Uint8Array.of(value), 1, Unknown));
          held.push(feed.receiveBlock()!);
        }
        out.broadcast(Uint8Array.of(99), 1, Unknown);
        for (let turn = 1; turn <= 3; turn++) {
          assertMisuse(() => feed.receiveBlock(), HeldLimitError, { value: 257, limit: 256, says: ["release blocks"] });
          assertEquals(feed.getReceiveStats().heldLimitHits, turn);
        }
        held.forEach((block, value) => assertEquals([block.sequence, block.data[0]], [value, value]));
        assertEquals(feed.receive(), Uint8Array.of(99));
        held.pop()!.release();
        out.broadcast(Uint8Array.of(100), 1, Unknown);
        using last = feed.receiveBlock()!;
        assertEquals(last.data[0], 100);
        assertEquals(feed.getReceiveStats().missedBlocks, 0);
      });

      test(`${lane}: subscribers that hold all they may do not stop others of the same port`, () => {
        using out = broadcaster("hoarders", { lane });
        using feed = subscriber("hoarders", { lane });
        const hoarders = Array.from({ length: 3 }, () => subscriber("hoarders", { lane }));
        for (let value = 0; value < 600; value++) {
          assert(out.broadcast(Uint8Array.of(value & 255), 1, Unknown));
          for (const hoarder of hoarders) if (value < HELD_BLOCKS_MAX) hoarder.receiveBlock();
          assertEquals(feed.receive(), Uint8Array.of(value & 255));
        }
        assertEquals(feed.getReceiveStats().missedBlocks, 0);
        for (const hoarder of hoarders) hoarder.close();
        assertStillFlows(out, feed);
      });
    }

    test("a subscriber over maxSubscribers throws SubscriberLimitError", () => {
      const limited = { maxSubscribers: 3 };
      const feeds = Array.from({ length: 3 }, () => subscriber("limited", limited));
      assertMisuse(() => subscriber("limited", limited), SubscriberLimitError, { value: 4, limit: 3 });
      feeds.pop()!.close();
      using _third = subscriber("limited", limited);
      assertMisuse(() => subscriber("limited", limited), SubscriberLimitError, { value: 4, limit: 3 });
      for (const feed of feeds) feed.close();
      assertStillWorks(runtime);
    });
  });
}

describe("limits of the daemon", () => {
  const config = new BroadcastConfig();
  const queueConfig = new BroadcastConfig(QUEUE);

  test("the 257th native subscriber of one publisher is a StreamFullError, and the stream works when one has left", async () => {
    await using _roudi = await RouDi.start();
    using runtime = Runtime.open();
    using out = new DataBroadcaster(queueConfig, "full", { runtime });
    await using peer = await occupy("--stream", "full", "--subscribers", String(SUBSCRIBERS_OF_ONE_PUBLISHER_MAX));
    await waitFor(() => out.getSubscriberCount() === SUBSCRIBERS_OF_ONE_PUBLISHER_MAX);
    for (let turn = 0; turn < 3; turn++) {
      assertMisuse(() => new DataSubscriber(queueConfig, "full", { runtime }), StreamFullError, {
        says: ['"full"', "share"],
      });
    }
    assertEquals(out.getSubscriberCount(), SUBSCRIBERS_OF_ONE_PUBLISHER_MAX);
    assertStillWorks(runtime);
    assertEquals((await vacate(peer)).subscribers, SUBSCRIBERS_OF_ONE_PUBLISHER_MAX);
    await waitFor(() => out.getSubscriberCount() === 0);
    using feed = new DataSubscriber(queueConfig, "full", { runtime });
    assertStillFlows(out, feed);
  });

  test("a ring beside 256 native subscribers of its stream takes more, and refuses the queue lane alone", async () => {
    await using _roudi = await RouDi.start();
    using runtime = Runtime.open();
    using out = new DataBroadcaster(config, "full", { runtime });
    await using _peer = await occupy("--stream", "full", "--subscribers", String(SUBSCRIBERS_OF_ONE_PUBLISHER_MAX));
    await waitFor(() => out.getSubscriberCount() === SUBSCRIBERS_OF_ONE_PUBLISHER_MAX);
    assertMisuse(() => new DataSubscriber(queueConfig, "full", { runtime }), StreamFullError, { says: ['"full"'] });
    using feed = new DataSubscriber(config, "full", { runtime });
    using second = new DataSubscriber(config, "full", { runtime, lane: "ring" });
    assertStillFlows(out, feed);
    assertEquals(second.poll(() => {}), 1);
    // One entry in the reader table for all subscribers of this thread.
    assertEquals(out.getSubscriberCount(), SUBSCRIBERS_OF_ONE_PUBLISHER_MAX + 1);
  });

  test("a subscriber beside 255 native ones is served", async () => {
    await using _roudi = await RouDi.start();
    using runtime = Runtime.open();
    using out = new DataBroadcaster(queueConfig, "nearly full", { runtime });
    await using _peer = await occupy("--stream", "nearly full", "--subscribers", "255");
    using feed = new DataSubscriber(queueConfig, "nearly full", { runtime });
    using _second = new DataSubscriber(queueConfig, "nearly full", { runtime });
    assertEquals(out.getSubscriberCount(), SUBSCRIBERS_OF_ONE_PUBLISHER_MAX);
    assertStillFlows(out, feed);
  });

  // A ring has a publisher beside it that announces it, and one of the queue lane.
  for (
    const { lane, queueLane, publishers } of [
      { lane: "queue", queueLane: "auto", publishers: 1 },
      { lane: "auto", queueLane: "auto", publishers: 2 },
      { lane: "auto", queueLane: "off", publishers: 1 },
    ] as const
  ) {
    const most = Math.floor(PUBLISHERS_MAX / publishers);
    test(`lane ${lane}, queueLane ${queueLane}: broadcaster ${most + 1} is a TooManyPublishersError, and the next works when one has left`, async () => {
      await using _roudi = await RouDi.start({ pools: [{ size: 256, count: 2 * PUBLISHERS_MAX }, BLOCK_POOL] });
      using runtime = Runtime.open();
      const small = new BroadcastConfig({ lane, queueLane, bufferDepth: 16 });
      const outs: DataBroadcaster[] = [];
      for (let index = 0; index < most; index++) {
        outs.push(new DataBroadcaster(small, `stream ${index}`, { runtime }));
      }
      const files = readdirSync("/dev/shm").length;
      for (let turn = 0; turn < 3; turn++) {
        assertMisuse(() => new DataBroadcaster(small, "one too many", { runtime }), TooManyPublishersError, {
          value: PUBLISHERS_MAX + 1,
          limit: PUBLISHERS_MAX,
          says: ["one too many", "close broadcasters"],
        });
      }
      assertEquals(runtime.streams().length, most);
      assertEquals(readdirSync("/dev/shm").length, files);
      using feed = new DataSubscriber(small, `stream ${most - 1}`, { runtime });
      assertStillFlows(outs[most - 1]!, feed);
      for (const out of outs.splice(0, 100)) out.close();
      // RouDi takes a closed port apart in the background.
      const again = await waitFor(() => {
        try {
          return new DataBroadcaster(small, "in its place", { runtime });
        } catch (error) {
          if (error instanceof TooManyPublishersError) return null;
          throw error;
        }
      });
      again.close();
      for (const out of outs) out.close();
      assertStillWorks(runtime);
    });
  }

  test("a pool without a chunk to announce a ring is an error that says so, the ring is gone, and what is there goes on", async () => {
    await using _roudi = await RouDi.start({ pools: [{ size: 256, count: 4 }, BLOCK_POOL] });
    using runtime = Runtime.open();
    using pair = makePair(runtime, "before");
    await using _peer = await occupy("--stream", "hoard", "--loan-all", "--size", "64");
    const files = readdirSync("/dev/shm").sort();
    const streams = runtime.streams();
    for (let turn = 0; turn < 3; turn++) {
      assertMisuse(() => new DataBroadcaster(config, "unannounced", { runtime }), SharedMemoryTooSmallError, {
        says: ["unannounced", "no free chunk", "smallest size"],
      });
    }
    assertEquals(readdirSync("/dev/shm").sort(), files);
    assertEquals(runtime.streams(), streams);
    assertStillFlows(pair.out, pair.feed);
    using queue = makePair(runtime, "queue", QUEUE);
    assertStillFlows(queue.out, queue.feed);
  });

  test("a subscriber port over the daemon's 1024 is a TooManySubscribersError", async () => {
    await using _roudi = await RouDi.start();
    using runtime = Runtime.open();
    await using peer = await occupy("--stream", "crowd", "--subscribers", String(SUBSCRIBERS_MAX + 1));
    for (let turn = 0; turn < 3; turn++) {
      assertMisuse(() => new DataSubscriber(config, "late", { runtime }), TooManySubscribersError, {
        value: SUBSCRIBERS_MAX + 1,
        limit: SUBSCRIBERS_MAX,
        says: ['"late"', "close subscribers"],
      });
    }
    using out = new DataBroadcaster(config, "still", { runtime });
    assert(out.broadcast(Uint8Array.of(1), 1, Unknown));
    assertEquals((await vacate(peer)).subscribers, SUBSCRIBERS_MAX);
    await waitFor(() => runtime.streams().every(({ subscribers }) => subscribers === 0));
    assertStillWorks(runtime);
  });

  test("pools without chunks for blocks are a BlockTooLargeError when a broadcaster is made", async () => {
    await using _roudi = await RouDi.start({ pools: [{ size: 1024, count: 64 }] });
    using runtime = Runtime.open();
    for (let turn = 0; turn < 3; turn++) {
      const error = assertMisuse(
        () => new DataBroadcaster(new BroadcastConfig(), "large", { runtime }),
        BlockTooLargeError,
        { says: ["8192", "8320", 'roudi: "spawn"'] },
      );
      assert(typeof error.value === "number" && error.value > 8192 && error.value <= 8320, error.message);
    }
    assertEquals(runtime.state, "attached");
    assertEquals(runtime.streams().filter(({ broadcasters }) => broadcasters > 0), []);
    using feed = new DataSubscriber(new BroadcastConfig(), "large", { runtime });
    assertEquals(feed.receive(), null);
    // A ring alone needs none.
    using out = new DataBroadcaster(new BroadcastConfig({ queueLane: "off" }), "large", { runtime });
    assertStillFlows(out, feed);
  });

  test("a pool of 8192 is too small for a block that is aligned, and one of 8320 is not", async () => {
    {
      await using _roudi = await RouDi.start({ pools: [{ size: 8192, count: 64 }] });
      using runtime = Runtime.open();
      assertMisuse(() => new DataBroadcaster(new BroadcastConfig(), "tight", { runtime }), BlockTooLargeError);
    }
    await using _roudi = await RouDi.start({ pools: [BLOCK_POOL] });
    using runtime = Runtime.open();
    assertStillWorks(runtime);
  });

  test("an empty pool is false or null on the queue lane, counted, and a hole in the sequence", async () => {
    await using _roudi = await RouDi.start({ pools: [BLOCK_POOL] });
    using runtime = Runtime.open();
    using pair = makePair(runtime, "starving", QUEUE);
    const { out, feed } = pair;
    assert(out.broadcast(Uint8Array.of(0), 1, Unknown));
    await using peer = await occupy("--stream", "hoard", "--loan-all");
    // What the broadcaster used last it may keep and use again; so its next loans show whether anything is left.
    const loans = [out.loan(), out.loan(), out.loan()].filter((loan) => loan !== null);
    const before = out.getStats().refusedBlocks;
    assert(before >= 2);
    assertEquals(out.broadcast(Uint8Array.of(1), 1, Unknown), false);
    assertEquals(out.broadcastBatch(new Uint8Array(720), 10, MarketDataType.Tick), 0);
    assertEquals(out.loan(), null);
    assertEquals(out.getStats().refusedBlocks, before + 3);
    assertEquals(out.getStats().errors, 0);
    for (const loan of loans) loan.discard();
    assert((await vacate(peer)).loaned >= BLOCK_POOL.count - 4);
    await waitFor(() => out.broadcast(Uint8Array.of(2), 1, Unknown), { what: "a chunk to be free again" });
    const { refusedBlocks, sentBlocks } = out.getStats();
    assertEquals(sentBlocks, 2);
    assertEquals([feed.receive(), feed.receive(), feed.receive()], [Uint8Array.of(0), Uint8Array.of(2), null]);
    assertEquals(feed.getReceiveStats().missedBlocks, refusedBlocks);
    assertEquals(feed.getReceiveStats().gaps, 1);
  });

  test("an empty pool does not stop a ring: its readers get all, and those of the queue lane a counted hole", async () => {
    await using _roudi = await RouDi.start({ pools: [{ size: 256, count: 64 }, BLOCK_POOL] });
    using runtime = Runtime.open();
    using pair = makePair(runtime, "starving");
    const { out, feed } = pair;
    using queued = new DataSubscriber(queueConfig, "starving", { runtime });
    await waitFor(() => out.broadcast(Uint8Array.of(0), 1, Unknown) && queued.hasData());
    const first = out.nextSequence;
    assert(out.broadcast(Uint8Array.of(0), 1, Unknown));
    await using peer = await occupy("--stream", "hoard", "--loan-all");
    // What the broadcaster had taken in advance or used last serves for some blocks more.
    for (let value = 0; value < 20; value++) assert(out.broadcast(Uint8Array.of(value), 1, Unknown));
    const { queueLaneMissedBlocks: missed, refusedBlocks, errors } = out.getStats();
    assert(missed >= 17 && missed < 20, `${missed} blocks are missed`);
    assertEquals([refusedBlocks, errors], [0, 0]);
    await vacate(peer);
    await waitFor(() => {
      const before = out.getStats().queueLaneMissedBlocks;
      return out.broadcast(Uint8Array.of(99), 1, Unknown) && out.getStats().queueLaneMissedBlocks === before;
    }, { what: "a chunk to be free again" });
    let received = 0;
    queued.poll((block) => {
      if (block.sequence >= first) received++;
    });
    assertEquals(queued.getReceiveStats().missedBlocks, out.getStats().queueLaneMissedBlocks);
    assertEquals(received + queued.getReceiveStats().missedBlocks, out.nextSequence - first);
    assertEquals(feed.poll(() => {}, Infinity), out.nextSequence);
    assertEquals(feed.getReceiveStats().missedBlocks, 0);
  });
});
