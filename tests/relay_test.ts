// SPDX-License-Identifier: Apache-2.0
// A relay between the memory stack and iceoryx in one process, and between two memory stacks: what arrives, in which order, and what is
// counted where it is lost.
import { after, before, test } from "node:test";
import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  type Block,
  BroadcastConfig,
  type BroadcastConfigFields,
  DataBroadcaster,
  DataSubscriber,
  MarketDataType,
  Relay,
  Tick,
} from "../mod.ts";
import { checkBlock, drain, newStream, payload, range, send } from "./conformance/tools.ts";
import { openWorlds, relayUntil, statsOf } from "./relay/worlds.ts";
import { RouDi } from "./support/roudi.ts";
import { waitFor } from "./support/wait.ts";

const CONFIG = new BroadcastConfig();
const QUEUE = new BroadcastConfig({ lane: "queue" });
const LOSSLESS = new BroadcastConfig({ delivery: "lossless" });
const LOSSLESS_QUEUE = new BroadcastConfig({ delivery: "lossless", lane: "queue" });

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

/** What a reader has to see of each block, whatever stack it came from. */
function describe(block: Block): unknown[] {
  const { sourceEpoch, sourceSequence, sequence, timestampNs, recordCount, recordSize, schemaId, dataType } = block;
  return [sourceEpoch, sourceSequence, sequence, timestampNs, recordCount, recordSize, schemaId, dataType];
}

for (
  const [name, from, to] of [["memory to iceoryx", "memory", "iceoryx"], [
    "iceoryx to memory",
    "iceoryx",
    "memory",
  ]] as const
) {
  for (const write of [QUEUE, CONFIG]) {
    test(`Relay, ${name}, written to lane ${write.lane}: header, records and source of every block arrive`, async () => {
      using worlds = openWorlds();
      const stream = newStream();
      using relay = new Relay(worlds[from], worlds[to], { streams: [stream], ways: "forth", write });
      using feed = new DataSubscriber(CONFIG, stream, { runtime: worlds[to] });
      using out = new DataBroadcaster(CONFIG, stream, { runtime: worlds[from], firstSequence: 2 ** 33 });
      using direct = new DataSubscriber(CONFIG, stream, { runtime: worlds[from], history: "all" });
      if (write === QUEUE && to === "iceoryx") await waitFor(() => feed.state === "live");
      const ticks = out.writer(Tick);
      const count = 200;
      for (let index = 0; index < count; index++) {
        for (let tick = 0; tick <= index % 113; tick++) {
          ticks.write({ timestampNs: BigInt(index), last: index, bid: tick, ask: 0, volume: 2n ** 63n, symbol: "ES" });
        }
        ticks.flush();
      }
      const wanted: unknown[] = [];
      const data: Uint8Array[] = [];
      while (
        direct.poll((block) => {
          wanted.push(describe(block));
          data.push(block.data.slice());
        }) > 0
      );
      assertEquals(wanted.length, count);
      let next = 0;
      await relayUntil(relay, () => {
        feed.poll((block) => {
          assertEquals(describe(block), wanted[next]);
          assertEquals([block.data, block.sourceEpoch, block.records(Tick).length], [
            data[next]!,
            out.epoch,
            1 + next % 113,
          ]);
          next++;
        });
        return next === count;
      }, "all blocks");
      const { relayedBlocks, missedBlocks, refusedBlocks, unmarkedBlocks, broadcasters } = statsOf(relay);
      assertEquals([relayedBlocks, missedBlocks, refusedBlocks, unmarkedBlocks, broadcasters], [count, 0, 0, 0, 1]);
      assertEquals([feed.getReceiveStats().missedBlocks, feed.getReceiveStats().broadcasters], [0, 1]);
    });
  }
}

test("Relay: blocks without room for a trailer arrive with their sequence, and are counted as unmarked", async () => {
  using worlds = openWorlds();
  const stream = newStream();
  using relay = new Relay(worlds.memory, worlds.iceoryx, { streams: [stream], ways: "forth" });
  using feed = new DataSubscriber(QUEUE, stream, { runtime: worlds.iceoryx });
  using out = new DataBroadcaster(CONFIG, stream, { runtime: worlds.memory, firstSequence: 7 });
  await waitFor(() => feed.state === "live");
  const lengths = [8137, 8160, 8136, 0, 1, 480, 481, 992, 993, 2016, 2017, 4064, 4065, 8159];
  for (const length of lengths) out.broadcast(payload(out.nextSequence, length), 1, MarketDataType.Unknown);
  const got: number[] = [];
  await relayUntil(relay, () => {
    feed.poll((block) => {
      got.push(checkBlock(block, lengths[got.length]!));
      assertEquals(block.sourceSequence, block.sequence);
      if (block.data.length <= 8136) assertEquals(block.sourceEpoch, out.epoch);
    });
    return got.length === lengths.length;
  }, "all blocks");
  assertEquals([got, statsOf(relay).unmarkedBlocks], [range(7, 7 + lengths.length), 3]);
});

test("Relay: a checksum goes through unchanged and is verified on the other side", async () => {
  using worlds = openWorlds();
  const stream = newStream();
  using relay = new Relay(worlds.memory, worlds.iceoryx, { streams: [stream], ways: "forth", write: CONFIG });
  using feed = new DataSubscriber(QUEUE, stream, { runtime: worlds.iceoryx });
  using ring = new DataSubscriber(CONFIG, stream, { runtime: worlds.iceoryx });
  using out = new DataBroadcaster(CONFIG.with({ checksum: true }), stream, {
    runtime: worlds.memory,
    firstSequence: 5,
  });
  send(out, 10);
  await relayUntil(relay, () => statsOf(relay).relayedBlocks === 10, "ten blocks");
  assertEquals([drain(ring), ring.getReceiveStats().corruptBlocks], [range(5, 15), 0]);
  // The queue lane beside the ring is served from some block on.
  await relayUntil(relay, () => {
    send(out, 1);
    return feed.hasData();
  }, "a block of the queue lane");
  assertGreater(drain(feed).length, 0);
  assertEquals([feed.getReceiveStats().corruptBlocks, feed.getReceiveStats().missedBlocks], [0, 0]);
});

for (const read of ["memory", "iceoryx"] as const) {
  for (const write of [QUEUE, CONFIG]) {
    test(`Relay: what is lost in front of it, read from ${read}, is a gap in lane ${write.lane}, of the same size`, async () => {
      using worlds = openWorlds();
      const target = read === "memory" ? worlds.iceoryx : worlds.memory;
      const stream = newStream();
      using relay = new Relay(worlds[read], target, { streams: [stream], ways: "forth", write });
      using feed = new DataSubscriber(CONFIG, stream, { runtime: target });
      using out = new DataBroadcaster(CONFIG.with({ bufferDepth: 64 }), stream, { runtime: worlds[read] });
      if (write === QUEUE && target === worlds.iceoryx) await waitFor(() => feed.state === "live");
      const got: number[] = [];
      for (let round = 0; round < 5; round++) {
        send(out, 10 + round * 100);
        await relayUntil(relay, () => {
          got.push(...drain(feed));
          return got.at(-1) === out.nextSequence - 1;
        }, "the last block");
      }
      assert(got.every((sequence, index) => index === 0 || sequence > got[index - 1]!));
      const { relayedBlocks, missedBlocks, renumberedBlocks } = statsOf(relay);
      assertGreater(missedBlocks, 0);
      assertEquals([relayedBlocks + missedBlocks, renumberedBlocks], [out.nextSequence, 0]);
      const { receivedBlocks, missedBlocks: missed, gaps, corruptBlocks } = feed.getReceiveStats();
      assertEquals([receivedBlocks, missed, gaps, corruptBlocks], [relayedBlocks, missedBlocks, 4, 0]);
    });
  }
}

test("Relay: what finds no room on a lossy target side is counted, and is a gap there", async () => {
  await using small = await restart({ blocks: 24 });
  using worlds = openWorlds();
  const stream = newStream();
  using relay = new Relay(worlds.memory, worlds.iceoryx, { streams: [stream], ways: "forth" });
  using feed = new DataSubscriber(QUEUE, stream, { runtime: worlds.iceoryx });
  using out = new DataBroadcaster(CONFIG, stream, { runtime: worlds.memory });
  await waitFor(() => feed.state === "live");
  send(out, 100);
  while (relay.poll() > 0);
  const { relayedBlocks, refusedBlocks } = statsOf(relay);
  assertGreater(refusedBlocks, 0);
  assertEquals(relayedBlocks + refusedBlocks, 100);
  assertEquals(drain(feed), range(0, relayedBlocks));
  send(out, 1);
  await relayUntil(relay, () => feed.hasData(), "one more block");
  assertEquals([drain(feed), feed.getReceiveStats().missedBlocks], [[100], refusedBlocks]);
  void small;
});

/** Another RouDi in place of the one of this file, until it is disposed. */
async function restart(options: { blocks: number }): Promise<AsyncDisposable> {
  await roudi.stop();
  roudi = await RouDi.start(options);
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      await roudi.stop();
      roudi = await RouDi.start();
    },
  };
}

for (
  const [name, from, to, write] of [
    ["memory to a lossless queue lane", "memory", "iceoryx", LOSSLESS_QUEUE],
    ["memory to a lossless ring", "memory", "iceoryx", LOSSLESS],
    ["a lossless queue lane to memory", "iceoryx", "memory", LOSSLESS],
  ] as const
) {
  test(`Relay: back-pressure goes through, ${name}, and nothing is lost`, async () => {
    using worlds = openWorlds();
    const stream = newStream();
    const lane = from === "iceoryx" ? LOSSLESS_QUEUE : LOSSLESS;
    const small: Partial<BroadcastConfigFields> = { bufferDepth: 16, queueCapacity: 16 };
    using relay = new Relay(worlds[from], worlds[to], {
      streams: [stream],
      ways: "forth",
      read: lane.with(small),
      write: write.with(small),
    });
    using feed = new DataSubscriber(write.with(small), stream, { runtime: worlds[to] });
    using out = new DataBroadcaster(lane.with(small), stream, { runtime: worlds[from] });
    await waitFor(() => write.lane !== "queue" || feed.state === "live");
    await relayUntil(relay, () => out.getSubscriberCount() === 1, "the relay to find it");
    const got: number[] = [];
    const count = 500;
    // Nobody reads: all that there is fills up, and then there is no room.
    await waitFor(() => {
      while (out.broadcast(payload(out.nextSequence), 1, MarketDataType.Unknown));
      return relay.poll() === 0 && statsOf(relay).waits > 0;
    });
    const full = out.nextSequence;
    assert(full <= 2 * 32, `${full} blocks are on the way`);
    while (out.nextSequence < count) {
      got.push(...drain(feed));
      while (relay.poll() > 0);
      while (out.nextSequence < count && out.broadcast(payload(out.nextSequence), 1, MarketDataType.Unknown));
    }
    await relayUntil(relay, () => {
      got.push(...drain(feed));
      return got.length === count;
    }, "all blocks");
    assertEquals(got, range(0, count));
    const { relayedBlocks, missedBlocks, refusedBlocks } = statsOf(relay);
    assertEquals([relayedBlocks, missedBlocks, refusedBlocks], [count, 0, 0]);
  });
}
