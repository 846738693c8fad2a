// SPDX-License-Identifier: Apache-2.0
// iceoryx and iceoryx2 side by side in one process: streams of one are not those of the other, and one ring is announced on both.
import { after, before, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  ArgumentError,
  BroadcastConfig,
  ConfigError,
  DataBroadcaster,
  DataSubscriber,
  MarketDataType,
  Runtime,
  Tick,
} from "../mod.ts";
import { assertMisuse, type Untyped } from "./support/misuse.ts";
import { resultOf } from "./support/peers.ts";
import { startProgram } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";
import { waitFor } from "./support/wait.ts";

const config = new BroadcastConfig();
const LOSSLESS = new BroadcastConfig({ delivery: "lossless" });
const TICKS = 200;

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

function openBoth(): [Runtime, Runtime] {
  return [Runtime.open(), Runtime.open({ stack: "iceoryx2" })];
}

function sequences(feed: DataSubscriber, first: number): number[] {
  const got: number[] = [];
  feed.poll((block) => {
    assertEquals([block.data[0], block.recordCount], [(first + block.sequence) & 0xff, 1]);
    got.push(block.sequence);
  });
  return got;
}

for (const lane of ["queue", "ring"] as const) {
  test(`two runtimes of one process have streams of their own on lane ${lane}`, () => {
    const [one, two] = openBoth();
    try {
      const pairs = [one, two].map((runtime, index) => ({
        first: index * 100,
        feed: new DataSubscriber(config.with({ lane }), "same_name", { runtime }),
        out: new DataBroadcaster(config.with({ lane }), "same_name", { runtime }),
      }));
      for (let turn = 0; turn < 3; turn++) {
        for (const { out, first } of pairs) {
          out.broadcast(Uint8Array.of(first + out.nextSequence), 1, MarketDataType.Unknown);
        }
      }
      for (const { feed, first } of pairs) assertEquals(sequences(feed, first), [0, 1, 2]);
      assertEquals([one.stack, two.stack, Runtime.default], ["iceoryx", "iceoryx2", one]);
      for (const runtime of [one, two]) assertEquals(runtime.streams().map(({ stream }) => stream), ["same_name"]);
    } finally {
      two.close();
      assertEquals([one.state, two.state], ["attached", "closed"]);
      one.close();
    }
  });
}

test("a ring that is announced on both stacks is read by subscribers of either, and goes on when one runtime closes", () => {
  const [one, two] = openBoth();
  try {
    const stream = "both";
    using early = new DataSubscriber(config, stream, { runtime: two, lane: "ring" });
    using out = new DataBroadcaster(config.with({ queueLane: "off" }), stream, { announce: [one, two] });
    const feeds = [one, two].map((runtime) => new DataSubscriber(config, stream, { runtime, lane: "ring" }));
    const send = (): void => void out.broadcast(Uint8Array.of(out.nextSequence), 1, MarketDataType.Unknown);
    for (let turn = 0; turn < 5; turn++) send();
    for (const feed of [early, ...feeds]) assertEquals(sequences(feed, 0), [0, 1, 2, 3, 4]);
    // Those of one Worker and runtime share a place.
    assertEquals(out.getSubscriberCount(), 2);
    two.close();
    send();
    assertEquals(sequences(feeds[0]!, 0), [5]);
    assertEquals(out.getSubscriberCount(), 1);
  } finally {
    two.close();
    one.close();
  }
});

test("who has subscribed through the second stack and not looked yet still finds a ring that was closed", () => {
  const [one, two] = openBoth();
  try {
    using early = new DataSubscriber(config, "closed_early", { runtime: two, lane: "ring" });
    using other = new DataSubscriber(config, "closed_early", { runtime: one, lane: "ring" });
    const out = new DataBroadcaster(config, "closed_early", { runtime: one, announce: [two] });
    for (let turn = 0; turn < 3; turn++) {
      out.broadcast(Uint8Array.of(out.nextSequence), 1, MarketDataType.Unknown);
      if (turn === 0) assertEquals(sequences(other, 0), [0]);
    }
    out.close();
    assertEquals(sequences(early, 0), [0, 1, 2]);
  } finally {
    two.close();
    one.close();
  }
});

test("a lossless ring on both stacks waits for readers of either", () => {
  const [one, two] = openBoth();
  try {
    using out = new DataBroadcaster(LOSSLESS.with({ bufferDepth: 16, queueLane: "off" }), "slow", {
      announce: [one, two],
    });
    const feeds = [one, two].map((runtime) => new DataSubscriber(LOSSLESS, "slow", { runtime, lane: "ring" }));
    for (const feed of feeds) assertEquals(feed.receive(), null);
    const send = (): boolean => out.broadcast(Uint8Array.of(out.nextSequence), 1, MarketDataType.Unknown);
    while (send());
    const full = out.nextSequence;
    assertEquals(sequences(feeds[0]!, 0).length, full);
    assertEquals(send(), false);
    assertEquals(sequences(feeds[1]!, 0).length, full);
    assert(send());
  } finally {
    two.close();
    one.close();
  }
});

for (const first of ["iceoryx", "iceoryx2"] as const) {
  test(`a Rust program reads a ring of ${first} that is announced on iceoryx2`, async () => {
    const [one, two] = openBoth();
    try {
      const runtime = first === "iceoryx" ? one : two;
      const stream = `to_rust_${first}`;
      using out = new DataBroadcaster(LOSSLESS.with({ queueLane: "off" }), stream, { runtime, announce: [one, two] });
      using feed = new DataSubscriber(LOSSLESS, stream, { runtime: one, lane: "ring" });
      await using reader = startProgram("build/bin/rust_examples/ring_ticks", [
        "--stream",
        stream,
        "--ticks",
        `${TICKS}`,
      ]);
      await using native = startProgram("build/bin/peer_ring_reader", [
        "--stream",
        stream,
        "--count",
        `${TICKS}`,
        "--raw",
      ]);
      await waitFor(() => (feed.hasData(), out.getSubscriberCount() === 3), { what: "readers in Rust and C++" });
      const ticks = out.writer(Tick);
      for (let index = 0; index < TICKS; index++) {
        ticks.write({ timestampNs: 1n, last: index, bid: 1, ask: 2, volume: 3n, symbol: "TS" });
        while (!ticks.flush()) await out.waitForRoom(1000);
      }
      assertEquals((await reader.exited()).code, 0, reader.report());
      const lasts = reader.lines.filter((line) => line.includes(" TS last ")).map((line) => Number(line.split(" ")[3]));
      assertEquals(lasts, Array.from({ length: TICKS }, (_, index) => index));
      assert(reader.stderr.includes(`${TICKS} ticks, 0 blocks missed`), reader.report());
      const { received, missed } = await resultOf<{ received: number; missed: number }>(native);
      assertEquals([received, missed], [TICKS, 0]);
      let read = 0;
      while (feed.poll(() => void read++) > 0);
      assertEquals(read, TICKS);
    } finally {
      two.close();
      one.close();
    }
  });
}

test("announce refuses what is no list of runtimes, two of one stack, the memory stack and the queue lane alone", () => {
  const [one, two] = openBoth();
  using again = Runtime.open();
  using memory = Runtime.open({ stack: "memory" });
  try {
    const open = (options: Untyped, fields = config): void => new DataBroadcaster(fields, "x", options).close();
    for (const announce of [null, [], one, "both", {}] as Untyped[]) {
      assertMisuse(() => open({ announce }), ArgumentError, { value: announce });
    }
    for (const none of [undefined, null, {}, 5] as Untyped[]) {
      assertMisuse(() => open({ announce: [one, none] }), ArgumentError);
    }
    assertMisuse(() => open({ announce: [one, two, again] }), ConfigError, { value: "iceoryx" });
    assertMisuse(() => open({ announce: [one, memory] }), ConfigError, { value: "memory" });
    assertMisuse(() => open({ announce: [one, two] }, config.with({ lane: "queue" })), ConfigError, { value: "queue" });
    open({ announce: [one] });
    open({ announce: [memory] });
    open({ runtime: two, announce: [one, two] });
  } finally {
    two.close();
    one.close();
  }
});
