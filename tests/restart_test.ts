// SPDX-License-Identifier: Apache-2.0
// RouDi dies and comes back under running processes: rings go on without a loss, queues with a counted gap, and nobody has to do
// anything.
import { afterEach, describe, test } from "node:test";
import process from "node:process";
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { BroadcastConfig, DaemonHungError, DataBroadcaster, DataSubscriber, MarketDataType, Runtime } from "../mod.ts";
import {
  attachedAgain,
  BOUND_MS,
  drain,
  Exchange,
  type Fields,
  statesOf,
  type Taken,
  takenBy,
} from "./restart/exchange.ts";
import { sendAll } from "./ring/payload.ts";
import { otherRuntime, ReaderPeer } from "./ring/peers.ts";
import { findRouDis, RouDi, stopAllRouDis } from "./support/roudi.ts";
import { waitFor } from "./support/wait.ts";

const { Unknown } = MarketDataType;

const RINGS: Record<string, Fields> = {
  // Its writer takes seconds for a lap: on a loaded machine a reader may stand still for long.
  "ring, lossy": { lane: "ring", bufferDepth: 16_384 },
  "ring, lossless": { lane: "ring", delivery: "lossless" },
  "both lanes, lossless": { lane: "auto", delivery: "lossless" },
};
const QUEUES: Record<string, Fields> = {
  "queue, lossy": { lane: "queue" },
  "queue, lossless": { lane: "queue", delivery: "lossless" },
};

let roudi: RouDi | undefined;
afterEach(stopAllRouDis);

for (const [name, config] of Object.entries({ ...RINGS, ...QUEUES })) {
  const isRing = name in RINGS;
  for (const end of ["kill", "terminate"] as const) {
    test(`RouDi ${end === "kill" ? "killed" : "ended by SIGTERM"} and started again under running streams: ${name}`, async () => {
      roudi = await RouDi.start();
      using runtime = Runtime.open();
      const states = statesOf(runtime);
      await using exchange = await Exchange.start(runtime, config);
      await exchange.go(300);
      await exchange.during(roudi[end]());
      const died = performance.now();
      await exchange.during(waitFor(() => states.length > 0));
      assertEquals([states, runtime.state], [["detached"], "detached"]);
      assertLess(performance.now() - died, BOUND_MS);
      if (isRing) await exchange.go(500);
      roudi = await exchange.during(RouDi.start());
      assertLess(await attachedAgain(runtime, exchange), BOUND_MS);
      await exchange.during(waitFor(() => states.length === 2));
      assertEquals(states, ["detached", "attached"]);
      await exchange.go(500);
      // Who comes later finds both as ever.
      await using late = await exchange.during(ReaderPeer.start("there", { config }, { runtime: otherRuntime }));
      await exchange.during(waitFor(() => exchange.out.getSubscriberCount() === 2));
      await exchange.go(100);
      await exchange.during(late.ask(`until ${exchange.out.nextSequence - 1}`));
      const { gaps } = await exchange.settle();
      // A lossless broadcast is refused while nobody can take it, so nothing need be lost.
      if (!isRing && config.delivery !== "lossless") assertGreater(gaps, 0);
    });
  }
}

test("a broadcaster and a subscriber of loops that never let the event loop turn attach again, too", async () => {
  roudi = await RouDi.start();
  using runtime = Runtime.open();
  const config = new BroadcastConfig({ lane: "queue" });
  using out = new DataBroadcaster(config, "busy", { runtime });
  using feed = new DataSubscriber(config, "busy", { runtime });
  sendAll(out, 1);
  const got: number[] = [];
  drain(feed, got);
  await roudi.kill();
  roudi = await RouDi.start();
  const deadline = performance.now() + BOUND_MS * 3;
  const data = new Uint8Array(8);
  let received = 0;
  // Not one turn of the event loop in here. What was lost is known when a block after the gap arrives.
  while (feed.getReceiveStats().missedBlocks === 0 || received < 10) {
    assertLess(performance.now(), deadline);
    out.broadcast(data, 1, Unknown);
    if (feed.waitSync(1) && feed.receive() !== null) received++;
  }
  assertEquals(runtime.state, "attached");
});

test("what a script holds of the old memory: blocks stay readable, loans are over, views become empty", async () => {
  roudi = await RouDi.start();
  using runtime = Runtime.open();
  const config = new BroadcastConfig({ lane: "queue" });
  using out = new DataBroadcaster(config, "held", { runtime });
  using feed = new DataSubscriber(config, "held", { runtime });
  out.broadcast(Uint8Array.of(1, 2, 3), 1, Unknown);
  const held = feed.receiveBlock()!;
  const kept = held.data;
  const loan = out.loan()!;
  const states = statesOf(runtime);
  await roudi.kill();
  roudi = await RouDi.start();
  await waitFor(() => states.includes("attached"));
  await waitFor(() => out.broadcast(Uint8Array.of(9), 1, Unknown) && feed.receive()?.[0] === 9);
  assertEquals([held.data, held.sequence, held.released], [Uint8Array.of(1, 2, 3), 0, false]);
  assertEquals([loan.data.length, loan.publish(0, 0, Unknown)], [0, false]);
  loan.discard();
  held.release();
  await waitFor(() => kept.length === 0);
  assertEquals(out.getStats().errors, 0);
});

test("a loan and a lossy queue without a daemon: refused, with a number of their own, and never thrown", async () => {
  roudi = await RouDi.start();
  using runtime = Runtime.open();
  const config = new BroadcastConfig({ lane: "queue" });
  using out = new DataBroadcaster(config, "alone", { runtime });
  using feed = new DataSubscriber(config, "alone", { runtime });
  sendAll(out, 3);
  const got: number[] = [];
  drain(feed, got);
  await roudi.terminate();
  await waitFor(() => !out.broadcast(Uint8Array.of(1), 1, Unknown));
  const before = out.nextSequence;
  assertEquals([out.loan(), out.nextSequence, out.getSubscriberCount()], [null, before + 1, 0]);
  drain(feed, got);
  assertEquals([feed.waitSync(1), feed.hasData()], [false, false]);
  roudi = await RouDi.start();
  await waitFor(() => out.broadcast(Uint8Array.of(7), 1, Unknown) && feed.receive()?.[0] === 7);
  const { receivedBlocks, missedBlocks } = feed.getReceiveStats();
  assertEquals(receivedBlocks + missedBlocks, out.nextSequence);
  assertGreater(out.getStats().refusedBlocks, 1);
});

test("a RouDi that stands still is no dead one: nothing waits longer than it may, and rings go on", async () => {
  roudi = await RouDi.start();
  using runtime = Runtime.open({ timeoutMs: 300 });
  const states = statesOf(runtime);
  await using exchange = await Exchange.start(runtime, { lane: "auto", delivery: "lossless" });
  await exchange.during(roudi.pause());
  const began = performance.now();
  try {
    new DataBroadcaster(new BroadcastConfig(), "new", { runtime });
    assert(false, "a broadcaster was made");
  } catch (error) {
    assert(error instanceof DaemonHungError, String(error));
  }
  assertLess(performance.now() - began, 5 * 2 * 300);
  await exchange.go(500);
  assertEquals([runtime.state, states], ["attached", []]);
  roudi.resume();
  await exchange.go(100);
  assertEquals([exchange.feed.getReceiveStats().missedBlocks, states], [0, []]);
});

test("a RouDi that was spawned and killed is started again by itself", async () => {
  using runtime = Runtime.open({ roudi: "spawn" });
  const states = statesOf(runtime);
  await using exchange = await Exchange.start(runtime, { lane: "auto", delivery: "lossless" });
  await exchange.go(100);
  const [first] = findRouDis();
  process.kill(first!, "SIGKILL");
  await exchange.during(waitFor(() => states.includes("attached")));
  await attachedAgain(runtime, exchange);
  const [second] = findRouDis();
  assert(second !== first);
  await exchange.go(300);
  assertEquals(exchange.feed.getReceiveStats().missedBlocks, 0);
});

describe("restart after restart", () => {
  const RESTARTS = 12;
  const WARM_UP = 4;
  /** What is mapped for a moment, or only in some generations. Much less than one for each restart. */
  const SLACK = 3;

  test(`descriptors, mappings and threads are flat over ${RESTARTS} restarts, with both lanes in use`, async () => {
    roudi = await RouDi.start({ blocks: 256 });
    using runtime = Runtime.open();
    await using ring = await Exchange.start(runtime, { lane: "auto", delivery: "lossless" });
    const config = new BroadcastConfig({ lane: "queue" });
    using out = new DataBroadcaster(config, "queue", { runtime });
    using feed = new DataSubscriber(config, "queue", { runtime });
    const pids = [process.pid, ring.reader.process.pid, ring.writer.process.pid];
    let settled = pids.map(takenBy);
    const excess = (): string[] =>
      pids.map(takenBy).flatMap((now, index) =>
        (Object.keys(now) as (keyof Taken)[]).filter((what) => now[what] > settled[index]![what] + SLACK)
          .map((what) => `${what} of process ${index}: ${now[what]}, and ${settled[index]![what]} at first`)
      );
    for (let turn = 0; turn < RESTARTS; turn++) {
      await waitFor(() => out.broadcast(Uint8Array.of(turn), 1, Unknown) && feed.receive()?.[0] === turn);
      await ring.go(20);
      if (turn === WARM_UP) settled = pids.map(takenBy);
      await ring.during(roudi.kill());
      roudi = await ring.during(RouDi.start({ blocks: 256 }));
      await attachedAgain(runtime, ring);
    }
    await waitFor(() => out.broadcast(Uint8Array.of(99), 1, Unknown) && feed.receive()?.[0] === 99);
    await ring.go(20);
    await ring.during(
      waitFor(() => excess().length === 0, { what: `what is taken to be flat: ${excess().join("; ")}` }),
    );
    assertEquals(ring.feed.getReceiveStats().missedBlocks, 0);
  });
});
