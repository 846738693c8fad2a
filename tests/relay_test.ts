// SPDX-License-Identifier: Apache-2.0
// A relay between the memory stack and iceoryx in one process, and between two memory stacks: what arrives, in which order, and what is
// counted where it is lost.
import { after, before, test } from "node:test";
import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import {
  ArgumentError,
  type Block,
  BLOCK_DATA_SIZE,
  BroadcastConfig,
  type BroadcastConfigFields,
  ClosedError,
  ConfigError,
  DataBroadcaster,
  DataSubscriber,
  MarketDataType,
  Relay,
  type RelayStreamStats,
  Runtime,
  Tick,
} from "../mod.ts";
import { checkBlock, drain, newStream, payload, range, send } from "./conformance/tools.ts";
import { RouDi } from "./support/roudi.ts";
import { delay, waitFor } from "./support/wait.ts";

const CONFIG = new BroadcastConfig();
const QUEUE = new BroadcastConfig({ lane: "queue" });
const LOSSLESS = new BroadcastConfig({ delivery: "lossless" });
const LOSSLESS_QUEUE = new BroadcastConfig({ delivery: "lossless", lane: "queue" });

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

interface Worlds extends Disposable {
  readonly memory: Runtime;
  readonly iceoryx: Runtime;
}

function openWorlds(): Worlds {
  const memory = Runtime.open({ stack: "memory" });
  const iceoryx = Runtime.open();
  return {
    memory,
    iceoryx,
    [Symbol.dispose](): void {
      memory.close();
      iceoryx.close();
    },
  };
}

/** The only stream and direction in which something happened. */
function statsOf(relay: Relay, way: "forth" | "back" = "forth"): RelayStreamStats {
  return relay.getStats().streams.find((stream) => stream.way === way)!;
}

/** Polls until the condition holds, and lets the event loop turn between. */
async function relayUntil(relay: Relay, condition: () => boolean, what: string): Promise<void> {
  await waitFor(() => {
    while (relay.poll() > 0);
    return condition();
  }, { what });
}

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
    await waitFor(() => out.getSubscriberCount() === 1);
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

for (const write of [QUEUE, CONFIG]) {
  test(`Relay, both ways of one stream, lane ${write.lane}: each side hears the other once, and nothing goes round`, async () => {
    using worlds = openWorlds();
    const stream = newStream();
    using relay = new Relay(worlds.memory, worlds.iceoryx, { streams: [stream], write });
    using inside = new DataSubscriber(CONFIG, stream, { runtime: worlds.memory });
    using outside = new DataSubscriber(CONFIG, stream, { runtime: worlds.iceoryx });
    using first = new DataBroadcaster(CONFIG, stream, { runtime: worlds.memory });
    using second = new DataBroadcaster(write, stream, { runtime: worlds.iceoryx, firstSequence: 1000 });
    await waitFor(() => outside.state === "live");
    await delay(0);
    const heard = { inside: new Map<bigint, number[]>(), outside: new Map<bigint, number[]>() };
    const note = (feed: DataSubscriber, map: Map<bigint, number[]>): void => {
      while (
        feed.poll((block) => {
          // Every third one has no room to say where it came from.
          checkBlock(block, block.sequence % 3 === 0 ? BLOCK_DATA_SIZE : 64);
          const epoch = block.sequence < 1000 ? first.epoch : second.epoch;
          if (block.sequence % 3 !== 0) assertEquals(block.sourceEpoch, epoch);
          map.set(epoch, [...map.get(epoch) ?? [], block.sequence]);
        }) > 0
      );
    };
    for (let round = 0; round < 50; round++) {
      for (const out of [first, second]) {
        const sequence = out.nextSequence;
        out.broadcast(payload(sequence, sequence % 3 === 0 ? BLOCK_DATA_SIZE : 64), 1, MarketDataType.Unknown);
      }
      if (round % 7 === 0) {
        while (relay.poll() > 0);
        note(inside, heard.inside);
        note(outside, heard.outside);
      }
    }
    await relayUntil(relay, () => {
      note(inside, heard.inside);
      note(outside, heard.outside);
      return [heard.inside, heard.outside].every((map) =>
        map.get(first.epoch)?.at(-1) === 49 && map.get(second.epoch)?.at(-1) === 1049
      );
    }, "both streams on both sides");
    for (const map of [heard.inside, heard.outside]) {
      assertEquals([map.get(first.epoch), map.get(second.epoch)], [range(0, 50), range(1000, 1050)]);
    }
    const [forth, back] = [statsOf(relay), statsOf(relay, "back")];
    assertEquals([forth.relayedBlocks, back.relayedBlocks, forth.ownBlocks, back.ownBlocks], [50, 50, 50, 50]);
    assertEquals([forth.duplicateBlocks, back.duplicateBlocks, forth.missedBlocks, back.missedBlocks], [0, 0, 0, 0]);
  });
}

for (const write of [QUEUE, CONFIG]) {
  test(`Relay: two relays that each carry one way of a stream do not send each other's blocks round, lane ${write.lane}`, async () => {
    using worlds = openWorlds();
    const stream = newStream();
    using forth = new Relay(worlds.memory, worlds.iceoryx, { streams: [stream], ways: "forth", write });
    using back = new Relay(worlds.memory, worlds.iceoryx, { streams: [stream], ways: "back", write });
    using inside = new DataSubscriber(CONFIG, stream, { runtime: worlds.memory });
    using out = new DataBroadcaster(CONFIG, stream, { runtime: worlds.memory });
    send(out, 10);
    await relayUntil(forth, () => {
      while (back.poll() > 0);
      return statsOf(back, "back").relayedBlocks === 10;
    }, "the blocks to come back");
    for (let round = 0; round < 20; round++) {
      for (const relay of [forth, back]) while (relay.poll() > 0);
      await delay(1);
    }
    assertEquals([statsOf(forth).relayedBlocks, statsOf(forth).duplicateBlocks], [10, 10]);
    assertEquals(drain(inside).length, 20);
  });
}

test("Relay: streams that appear later are found, on either side, those that nobody wants are not, and each ends with its source", async () => {
  using worlds = openWorlds();
  const names = { first: newStream(), second: newStream(), unwanted: newStream() };
  const asked: string[] = [];
  using relay = new Relay(worlds.memory, worlds.iceoryx, {
    lookIntervalMs: 10,
    streams: ({ stream }) => {
      asked.push(stream);
      return stream !== names.unwanted;
    },
  });
  assertEquals([relay.poll(), relay.getStats().streams], [0, []]);
  using _unwanted = new DataBroadcaster(CONFIG, names.unwanted, { runtime: worlds.memory });
  const first = new DataBroadcaster(CONFIG, names.first, { runtime: worlds.memory });
  using second = new DataBroadcaster(QUEUE, names.second, { runtime: worlds.iceoryx });
  await relayUntil(relay, () => relay.getStats().streams.length === 2, "both streams");
  using outside = new DataSubscriber(QUEUE, names.first, { runtime: worlds.iceoryx });
  using inside = new DataSubscriber(CONFIG, names.second, { runtime: worlds.memory });
  await relayUntil(relay, () => {
    send(first, 1);
    send(second, 1);
    return outside.hasData() && inside.hasData();
  }, "blocks of both");
  assertEquals(asked.sort(), [names.first, names.second, names.unwanted].sort());
  const streams = relay.getStats().streams.map(({ stream, way, broadcasters }) => [stream, way, broadcasters]);
  assertEquals(streams.sort(), [[names.first, "forth", 1], [names.second, "back", 1]].sort());
  assertEquals(inside.state, "live");
  second.close();
  first.close();
  await relayUntil(relay, () => relay.getStats().streams.every(({ broadcasters }) => broadcasters === 0), "the ends");
  drain(inside);
  await waitFor(() => inside.state === "ended");
  // A new broadcaster of the same stream is another one on the other side.
  using again = new DataBroadcaster(CONFIG, names.first, { runtime: worlds.memory, firstSequence: 500 });
  drain(outside);
  await relayUntil(relay, () => {
    if (again.nextSequence < 510) send(again, 1);
    return drain(outside).includes(509);
  }, "blocks of the new broadcaster");
  assertEquals([outside.getReceiveStats().broadcasters, outside.getReceiveStats().missedBlocks], [2, 0]);
});

test("Relay.run: sleeps while there is nothing, relays many streams at once, and ends with its signal", async () => {
  using worlds = openWorlds();
  const streams = Array.from({ length: 20 }, newStream);
  using relay = new Relay(worlds.memory, worlds.iceoryx, { streams, ways: "forth" });
  const abort = new AbortController();
  const running = relay.run({ signal: abort.signal });
  using outs = new DisposableStack();
  const pairs = streams.map((stream) => ({
    feed: outs.use(new DataSubscriber(QUEUE, stream, { runtime: worlds.iceoryx })),
    out: outs.use(new DataBroadcaster(CONFIG, stream, { runtime: worlds.memory })),
    got: [] as number[],
  }));
  await waitFor(() => pairs.every(({ feed }) => feed.state === "live"));
  for (let round = 0; round < 30; round++) {
    for (const { out } of pairs) send(out, 2);
    await delay(round % 3);
  }
  await waitFor(() => {
    for (const { feed, got } of pairs) got.push(...drain(feed));
    return pairs.every(({ got }) => got.length === 60);
  });
  for (const { got } of pairs) assertEquals(got, range(0, 60));
  abort.abort();
  await running;
  assertEquals(relay.getStats().streams.map(({ relayedBlocks }) => relayedBlocks), streams.map(() => 60));
});

test("Relay: sequences that go back, or leap too far, are numbered anew and counted", async () => {
  using worlds = openWorlds();
  const stream = newStream();
  const write = new BroadcastConfig();
  using relay = new Relay(worlds.iceoryx, worlds.memory, { streams: [stream], ways: "forth", write });
  using feed = new DataSubscriber(CONFIG, stream, { runtime: worlds.memory });
  using out = new DataBroadcaster(QUEUE, stream, { runtime: worlds.iceoryx, firstSequence: 100 });
  await waitFor(() => out.getSubscriberCount() === 1);
  send(out, 3);
  await relayUntil(relay, () => statsOf(relay).relayedBlocks === 3, "three blocks");
  using late = new DataBroadcaster(QUEUE, stream, { runtime: worlds.iceoryx, firstSequence: 2 ** 40 });
  await waitFor(() => late.getSubscriberCount() === 1);
  send(late, 3);
  await relayUntil(relay, () => statsOf(relay).relayedBlocks === 6, "the other's blocks");
  const got: number[] = [];
  feed.poll((block) => void got.push(block.sequence));
  assertEquals([got, statsOf(relay).renumberedBlocks], [[100, 101, 102, 2 ** 40, 2 ** 40 + 1, 2 ** 40 + 2], 0]);
  assertEquals([statsOf(relay).broadcasters, feed.getReceiveStats().missedBlocks], [2, 0]);
});

test("Relay: misuse throws, and a closed relay relays nothing", async () => {
  using worlds = openWorlds();
  const { memory, iceoryx } = worlds;
  assertThrows(() => new Relay(memory, memory), ArgumentError);
  assertThrows(() => new Relay(memory, {} as Runtime), ArgumentError);
  assertThrows(() => new Relay(memory, undefined as unknown as Runtime), ArgumentError);
  assertThrows(() => new Relay(memory, iceoryx, { ways: "up" as "both" }), ArgumentError);
  assertThrows(() => new Relay(memory, iceoryx, { lookIntervalMs: 9 }), ArgumentError);
  assertThrows(() => new Relay(memory, iceoryx, { streams: "x" as unknown as string[] }), ArgumentError);
  assertThrows(() => new Relay(memory, iceoryx, { stream: "x" } as object), ConfigError);
  assertThrows(() => new Relay(memory, iceoryx, { read: {} as BroadcastConfig }), ArgumentError);
  const relay = new Relay(memory, iceoryx, { streams: [newStream()] });
  assertThrows(() => relay.poll(0), ArgumentError);
  const running = relay.run();
  relay.close();
  relay.close();
  await running;
  assertThrows(() => relay.poll(), ClosedError);
  assertEquals(relay.getStats().streams.map(({ broadcasters }) => broadcasters), [0, 0]);
  assertEquals(iceoryx.streams().length, 0);
});
