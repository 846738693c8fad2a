// SPDX-License-Identifier: Apache-2.0
// Streams and broadcasters of a relay: both ways, loops, what appears and ends, and what nobody should have asked for.
import { after, before, test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  ArgumentError,
  BLOCK_DATA_SIZE,
  BLOCK_SIZE,
  BroadcastConfig,
  ClosedError,
  ConfigError,
  DataBroadcaster,
  DataSubscriber,
  MarketDataType,
  Relay,
  Runtime,
} from "../mod.ts";
import { writeSequence } from "../src/block/header.ts";
import { OFFSET_DATA } from "../src/block/layout.ts";
import { checkBlock, drain, newStream, payload, range, send } from "./conformance/tools.ts";
import { openWorlds, relayUntil, statsOf } from "./relay/worlds.ts";
import { RouDi } from "./support/roudi.ts";
import { delay, waitFor } from "./support/wait.ts";

const CONFIG = new BroadcastConfig();
const QUEUE = new BroadcastConfig({ lane: "queue" });

const PUBLISHER = { payloadBytes: BLOCK_SIZE, alignment: 64, history: 0, blocking: false, stamp: false };

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

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
    for (const { out, feed, got } of pairs) {
      send(out, 2);
      // What waits here for its reader is taken from the pool of all.
      got.push(...drain(feed));
    }
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

test("Relay: sequences that go back, or leap too far, are numbered anew, counted, and every block arrives", async () => {
  for (const write of [QUEUE, CONFIG]) {
    using worlds = openWorlds();
    const stream = newStream();
    using relay = new Relay(worlds.iceoryx, worlds.memory, { streams: [stream], ways: "forth", write });
    using feed = new DataSubscriber(CONFIG, stream, { runtime: worlds.memory });
    const { transport, windows } = worlds.iceoryx.connection("publish by hand");
    const port = transport.openPublisher({ service: "QAULTRA", stream, event: "Data" }, PUBLISHER);
    await waitFor(() => port.subscriberCount() === 1);
    const sequences = [5, 6, 3, 4, 4, 4, 9, 2 ** 40, 2 ** 40 + 1, 2 ** 53 - 1, 0, 1];
    for (const [index, sequence] of sequences.entries()) {
      port.loan();
      const { bytes } = windows.get(port.window);
      bytes.fill(0, port.offset, port.offset + BLOCK_SIZE);
      writeSequence(windows.get(port.window), port.offset, sequence);
      bytes[port.offset + OFFSET_DATA] = index;
      assert(port.publish(port.slot));
    }
    const got: [number, number][] = [];
    await relayUntil(relay, () => {
      feed.poll((block) => void got.push([block.data[0]!, block.sequence]));
      return got.length === sequences.length;
    }, "all blocks");
    // A gap of four after the ninth, and no other.
    const wanted = [5, 6, 7, 8, 9, 10, 15, 16, 17, 18, 19, 20];
    assertEquals(got, wanted.map((sequence, index) => [index, sequence]));
    assertEquals([feed.getReceiveStats().missedBlocks, statsOf(relay).renumberedBlocks], [4, 6]);
    port.close();
  }
});

test("Relay: misuse throws, and a closed relay relays nothing", async () => {
  using worlds = openWorlds();
  const { memory, iceoryx } = worlds;
  assertThrows(() => new Relay(memory, memory), ArgumentError);
  using again = Runtime.open({ stack: "memory" });
  assertThrows(() => new Relay(memory, again), ArgumentError);
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
