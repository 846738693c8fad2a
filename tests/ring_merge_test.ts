// SPDX-License-Identifier: Apache-2.0
// Several broadcasters of one stream: their rings are merged fairly, told apart, limited in number, and left at their end.
import { after, describe, test } from "node:test";
import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  type Block,
  BroadcastConfig,
  type BroadcastConfigFields,
  DataBroadcaster,
  DataSubscriber,
  Runtime,
  SubscriberLimitError,
  TooManyBroadcastersError,
} from "../mod.ts";
import { RINGS_OF_STREAM_MAX } from "../src/ring/layout.ts";
import { checkBlock, drain, newStream, payload, range, send } from "./conformance/tools.ts";
import { openMemory } from "./ring/raw_ring.ts";
import { assertIpcError, assertMisuse } from "./support/misuse.ts";
import { RouDi } from "./support/roudi.ts";
import { within } from "./support/wait.ts";

/** While all of several rings have data, each has its turn in so many blocks a ring. */
const FAIR_BLOCKS = 32;

function configOf(fields: Partial<BroadcastConfigFields> = {}): BroadcastConfig {
  return new BroadcastConfig({ bufferDepth: 16, lane: "ring", queueLane: "off", ...fields });
}

function broadcasters(runtime: Runtime, stream: string, count: number, config: BroadcastConfig): DataBroadcaster[] {
  return range(0, count).map(() => new DataBroadcaster(config, stream, { runtime }));
}

/** What came from which broadcaster, in order. */
class Arrivals {
  readonly epochs: bigint[] = [];
  readonly #bySource = new Map<bigint, number[]>();

  add(block: Block): void {
    const { epoch } = block;
    const sequences = this.#bySource.get(epoch) ?? [];
    this.#bySource.set(epoch, sequences);
    this.epochs.push(epoch);
    sequences.push(checkBlock(block));
  }

  of(source: DataBroadcaster): number[] {
    return this.#bySource.get(source.epoch) ?? [];
  }

  get sources(): number {
    return this.#bySource.size;
  }

  /** Every run of so many blocks has some of every source. */
  assertFair(sources: readonly DataBroadcaster[]): void {
    const window = FAIR_BLOCKS * sources.length;
    assertGreater(this.epochs.length, window);
    for (const { epoch } of sources) {
      let last = -1;
      this.epochs.forEach((one, index) => {
        if (one !== epoch) return;
        assert(index - last <= window, `${index - last - 1} blocks of others in a row`);
        last = index;
      });
      assert(this.epochs.length - last <= window, `a ring starved after ${last + 1} blocks`);
    }
  }
}

/** Ways to read some blocks of a subscriber. */
const WAYS: Record<string, (feed: DataSubscriber, arrivals: Arrivals) => void | Promise<void>> = {
  poll: (feed, arrivals) => void feed.poll((block) => arrivals.add(block), 50),
  "poll of one": (feed, arrivals) => void feed.poll((block) => arrivals.add(block), 1),
  receiveBlock: (feed, arrivals) => {
    using block = feed.receiveBlock();
    if (block !== null) arrivals.add(block);
  },
  "for await": async (feed, arrivals) => {
    let count = 0;
    for await (const block of feed) {
      arrivals.add(block);
      if (++count === 200) break;
    }
  },
};

for (const delivery of ["lossy", "lossless"] as const) {
  for (const read of delivery === "lossy" ? ["stable", "in-place"] as const : ["stable"] as const) {
    for (const [way, take] of Object.entries(WAYS)) {
      test(`StreamReader, ${delivery} ${read}, ${way}: of rings that always have data none starves`, async () => {
        using stand = openMemory();
        const { runtime } = stand;
        const config = configOf({ delivery, read, bufferDepth: 256 });
        const stream = newStream();
        using feed = new DataSubscriber(config, stream, { runtime });
        const sources = broadcasters(runtime, stream, 3, config);
        const arrivals = new Arrivals();
        while (arrivals.epochs.length < 2000) {
          // The first is far quicker than the others, and all have something.
          sources.forEach((out, index) => {
            for (let count = index === 0 ? 200 : 50; count > 0; count--) out.broadcast(payload(out.nextSequence), 1, 0);
          });
          const before = arrivals.epochs.length;
          while (arrivals.epochs.length < before + 100) await take(feed, arrivals);
        }
        arrivals.assertFair(sources);
        for (const out of sources) {
          const got = arrivals.of(out);
          assert(got.every((sequence, index) => index === 0 || sequence > got[index - 1]!), "in order, each once");
        }
        for (const out of sources) out.close();
      });
    }
  }
}

test("StreamReader: blocks of several rings are told apart by epoch, and none is lost or doubled", () => {
  using stand = openMemory();
  const { runtime } = stand;
  const stream = newStream();
  const config = configOf({ bufferDepth: 64 });
  using feed = new DataSubscriber(config, stream, { runtime });
  const sources = broadcasters(runtime, stream, 5, config);
  assertEquals(new Set(sources.map(({ epoch }) => epoch)).size, 5);
  const arrivals = new Arrivals();
  for (let round = 0; round < 100; round++) {
    sources.forEach((out, index) => send(out, (round * (index + 3)) % 17));
    while (feed.poll((block) => arrivals.add(block), 7 + round % 5) > 0);
  }
  for (const out of sources) assertEquals(arrivals.of(out), range(0, out.nextSequence));
  const { receivedBlocks, missedBlocks, broadcasters: heard } = feed.getReceiveStats();
  assertEquals([receivedBlocks, missedBlocks, heard], [arrivals.epochs.length, 0, 5]);
  for (const out of sources) out.close();
});

test("StreamReader: what each of several rings lost is counted, and received and missed blocks are all that were sent", () => {
  using stand = openMemory();
  const { runtime } = stand;
  const stream = newStream();
  using feed = new DataSubscriber(configOf(), stream, { runtime });
  const sources = broadcasters(runtime, stream, 4, configOf());
  const arrivals = new Arrivals();
  for (let round = 0; round < 60; round++) {
    sources.forEach((out, index) => send(out, (round * (7 * index + 5)) % 40));
    feed.poll((block) => arrivals.add(block), 1 + round % 40);
  }
  while (feed.poll((block) => arrivals.add(block)) > 0);
  const { receivedBlocks, missedBlocks } = feed.getReceiveStats();
  const sent = sources.reduce((sum, out) => sum + out.getStats().sentBlocks, 0);
  assertEquals([receivedBlocks, receivedBlocks + missedBlocks], [arrivals.epochs.length, sent]);
  assertGreater(missedBlocks, 0);
  for (const out of sources) out.close();
});

describe(`${RINGS_OF_STREAM_MAX} rings of one stream`, () => {
  const most = RINGS_OF_STREAM_MAX;

  test(`StreamReader: ${most} rings at once work`, () => {
    assertEquals(most, 64);
    using stand = openMemory();
    const { runtime } = stand;
    const stream = newStream();
    using feed = new DataSubscriber(configOf(), stream, { runtime });
    const sources = broadcasters(runtime, stream, most, configOf());
    using late = new DataSubscriber(configOf(), stream, { runtime, history: 5 });
    const arrivals = new Arrivals();
    for (let round = 0; round < 5; round++) {
      for (const out of sources) send(out, 3);
      while (feed.poll((block) => arrivals.add(block)) > 0);
    }
    for (const out of sources) assertEquals(arrivals.of(out), range(0, 15));
    assertEquals(drain(late).length, most * 15);
    for (const out of sources) out.close();
    assertEquals([drain(feed), feed.state], [[], "ended"]);
  });

  test(`StreamReader: one more than ${most} rings is a TooManyBroadcastersError, and the others are read on`, () => {
    using stand = openMemory();
    const { runtime } = stand;
    const stream = newStream();
    using feed = new DataSubscriber(configOf(), stream, { runtime });
    const sources = broadcasters(runtime, stream, most, configOf());
    for (const out of sources) send(out, 1);
    assertEquals(drain(feed).length, most);
    using oneMore = new DataBroadcaster(configOf(), stream, { runtime });
    send(oneMore, 1);
    const limit = { value: most + 1, limit: most };
    assertMisuse(() => feed.poll(() => {}), TooManyBroadcastersError, limit);
    // Nor does a subscriber begin that would have to leave one out.
    assertMisuse(
      () => new DataSubscriber(configOf({ pollIntervalMs: 7 }), stream, { runtime }),
      TooManyBroadcastersError,
      limit,
    );
    const arrivals = new Arrivals();
    for (const out of sources) send(out, 2);
    while (feed.poll((block) => arrivals.add(block)) > 0);
    for (const out of sources) assertEquals(arrivals.of(out), [1, 2]);
    // One that ends makes room.
    sources.pop()!.close();
    using later = new DataSubscriber(configOf({ pollIntervalMs: 7 }), stream, { runtime });
    for (const out of [...sources, oneMore]) send(out, 1);
    assertEquals(drain(later).length, most);
    for (const out of sources) out.close();
  });

  test("StreamReader: a ring that was one too many is read when another has ended", () => {
    using stand = openMemory();
    const { runtime } = stand;
    const stream = newStream();
    using feed = new DataSubscriber(configOf(), stream, { runtime });
    const sources = broadcasters(runtime, stream, most, configOf());
    drain(feed);
    using oneMore = new DataBroadcaster(configOf(), stream, { runtime });
    assertMisuse(() => feed.poll(() => {}), TooManyBroadcastersError);
    sources.pop()!.close();
    drain(feed);
    send(oneMore, 3);
    assertEquals(drain(feed), [0, 1, 2]);
    for (const out of sources) out.close();
  });
});

/** A broadcaster ends, another takes its place: its blocks come first, all of them. */
async function succeed(runtime: Runtime, fields: Partial<BroadcastConfigFields>): Promise<void> {
  const config = configOf({ bufferDepth: 64, ...fields });
  for (const unread of [0, 1, 30, 56]) {
    for (const isKnown of [true, false]) {
      for (const limit of [1, 5, Infinity]) {
        const stream = newStream();
        using feed = new DataSubscriber(config, stream, { runtime });
        const first = new DataBroadcaster(config, stream, { runtime });
        if (isKnown) assertEquals(drain(feed), []);
        send(first, unread);
        const { epoch } = first;
        first.close();
        using second = new DataBroadcaster(config, stream, { runtime });
        send(second, 20);
        const arrivals = new Arrivals();
        while (feed.poll((block) => arrivals.add(block), limit) > 0);
        assertEquals(arrivals.epochs, [
          ...Array<bigint>(unread).fill(epoch),
          ...Array<bigint>(20).fill(second.epoch),
        ]);
        assertEquals(arrivals.of(second), range(0, 20));
        assertEquals([feed.state, feed.getReceiveStats().missedBlocks], ["live", 0]);
      }
    }
  }
  // The same for a loop that sleeps in between, and never ends by itself.
  const stream = newStream();
  using feed = new DataSubscriber(config, stream, { runtime });
  const arrivals = new Arrivals();
  const reading = (async () => {
    for await (const block of feed) {
      arrivals.add(block);
      if (arrivals.epochs.length === 60) break;
    }
  })();
  const epochs: bigint[] = [];
  for (let life = 0; life < 4; life++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    using out = new DataBroadcaster(config, stream, { runtime });
    send(out, 15);
    epochs.push(...Array<bigint>(15).fill(out.epoch));
  }
  await within(reading, { what: "the blocks of four broadcasters" });
  assertEquals(arrivals.epochs, epochs);
}

for (
  const [name, fields] of Object.entries(
    {
      "lossy": {},
      "in-place": { read: "in-place" },
      "lossless": { delivery: "lossless" },
    } as const,
  )
) {
  test(`StreamReader, ${name}: an old ring is read to its end before that of a new broadcaster`, async () => {
    using stand = openMemory();
    await succeed(stand.runtime, fields);
  });
}

describe("over iceoryx", () => {
  let roudi: RouDi | undefined;
  after(() => roudi?.stop());

  test("StreamReader over iceoryx: an old ring is read to its end before that of a new broadcaster", async () => {
    roudi ??= await RouDi.start();
    using runtime = Runtime.open();
    await succeed(runtime, {});
  });

  test("StreamReader over iceoryx: of rings that always have data none starves", async () => {
    roudi ??= await RouDi.start();
    using runtime = Runtime.open();
    const config = configOf({ bufferDepth: 256 });
    const stream = newStream();
    using feed = new DataSubscriber(config, stream, { runtime });
    const sources = broadcasters(runtime, stream, 4, config);
    const arrivals = new Arrivals();
    for (let round = 0; round < 20; round++) {
      for (const out of sources) send(out, 100);
      feed.poll((block) => arrivals.add(block), 150);
    }
    arrivals.assertFair(sources);
    for (const out of sources) out.close();
  });
});

test("DataSubscriber that came when a ring was made but not announced yet reads it from its first block", () => {
  using stand = openMemory();
  const { runtime } = stand;
  const { transport } = runtime.connection("test");
  const stream = newStream();
  let feed: DataSubscriber | undefined;
  const createRing = transport.createRing.bind(transport);
  transport.createRing = (name, settings) => {
    const ring = createRing(name, settings);
    const announce = ring.announce.bind(ring);
    ring.announce = (origin) => {
      // Not in the same millisecond.
      for (const made = transport.clockMs(); transport.clockMs() === made;);
      feed ??= new DataSubscriber(configOf(), stream, { runtime });
      announce(origin);
    };
    return ring;
  };
  using out = new DataBroadcaster(configOf(), stream, { runtime });
  send(out, 5);
  assertEquals(drain(feed!), range(0, 5));
  // One that comes later finds it as ever.
  using late = new DataSubscriber(configOf(), stream, { runtime });
  send(out, 5);
  assertEquals(drain(late), range(5, 10));
  assertEquals(feed!.getReceiveStats().missedBlocks + late.getReceiveStats().missedBlocks, 0);
});

test("DataSubscriber that is parked, and finds a ring that has no place for it by itself: its loop is told", async () => {
  using stand = openMemory();
  const { runtime } = stand;
  const { transport } = runtime.connection("test");
  const stream = newStream();
  // A stack that tells of no ring, as one whose daemon is gone.
  const findRings = transport.findRings.bind(transport);
  transport.findRings = (name) => Object.assign(findRings(name), { park: () => {} });
  using parked = new DataSubscriber(configOf({ heartbeatIntervalMs: 5 }), stream, { runtime });
  const waiting = parked.blocks().next().then(() => null, (error: unknown) => error);
  using other = new DataSubscriber(configOf({ pollIntervalMs: 7 }), stream, { runtime });
  using out = new DataBroadcaster(configOf({ maxSubscribers: 1 }), stream, { runtime });
  send(out, 1);
  assertEquals(drain(other), [0]);
  assertIpcError(await within(waiting), SubscriberLimitError, { value: 2, limit: 1 });
});
