// SPDX-License-Identifier: Apache-2.0
// The root of iceoryx2 is removed under running processes: they make it anew, rings go on without a loss, queues with a counted gap, and
// nobody has to do anything.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertLess } from "@std/assert";
import {
  BroadcastConfig,
  DaemonGoneError,
  DataBroadcaster,
  DataSubscriber,
  MarketDataType,
  Runtime,
  type RuntimeOptions,
} from "../mod.ts";
import { attachedAgain, BOUND_MS, drain, Exchange, type Fields, statesOf, takenBy } from "./restart/exchange.ts";
import { sendAll } from "./ring/payload.ts";
import { otherRuntime, ReaderPeer } from "./ring/peers.ts";
import { assertMisuse, assertStillWorks } from "./support/misuse.ts";
import { removeDeadRings } from "./support/roudi.ts";
import { waitFor } from "./support/wait.ts";

const { Unknown } = MarketDataType;
const STREAMS: Record<string, Fields> = {
  // Its writer takes seconds for a lap: on a loaded machine a reader may stand still for long.
  "ring, lossy": { lane: "ring", bufferDepth: 16_384 },
  "ring, lossless": { lane: "ring", delivery: "lossless" },
  "both lanes, lossless": { lane: "auto", delivery: "lossless" },
  "queue, lossy": { lane: "queue" },
};
const QUEUE = new BroadcastConfig({ lane: "queue" });
const PREFIX = `restart_${process.pid}_`;
const AGAIN = ["detached", "attached"];

let options: RuntimeOptions & { readonly root: string };

/** A test in a world of its own, of which nothing is left. */
function worldTest(name: string, body: () => void | Promise<void>): void {
  test(name, async () => {
    const folder = mkdtempSync(join(tmpdir(), "restart-"));
    options = { stack: "iceoryx2", root: join(folder, "root"), prefix: PREFIX };
    await body();
    // Of peers that were killed at the end.
    removeDeadRings();
    rmSync(folder, { recursive: true });
    assertEquals(segments(), []);
  });
}

function segments(): string[] {
  return readdirSync("/dev/shm").filter((name) => name.startsWith(PREFIX));
}

function removeRoot(): void {
  rmSync(options.root, { recursive: true, maxRetries: 100, retryDelay: 1 });
}

/** As somebody does who clears up under running processes. */
function removeAll(): void {
  removeRoot();
  for (const name of segments()) rmSync(`/dev/shm/${name}`, { force: true });
}

const WAYS = [["the root", removeRoot], ["the root and all segments", removeAll]] as const;

for (const [name, config] of Object.entries(STREAMS)) {
  for (const [what, remove] of WAYS) {
    if (remove === removeAll && config.delivery === "lossless") continue;
    worldTest(`${what} removed under running streams: ${name}`, async () => {
      using runtime = Runtime.open(options);
      const states = statesOf(runtime);
      await using exchange = await Exchange.start(runtime, config, options);
      await exchange.go(300);
      remove();
      await exchange.during(waitFor(() => states.length === 2));
      assertEquals(states, AGAIN);
      assertLess(await attachedAgain(runtime, exchange), BOUND_MS);
      await exchange.go(500);
      // Who comes later finds both as ever.
      await using late = await exchange.during(
        ReaderPeer.start("there", { runtime: options, config }, { runtime: otherRuntime }),
      );
      await exchange.during(waitFor(() => exchange.out.getSubscriberCount() === 2));
      await exchange.go(100);
      await exchange.during(late.ask(`until ${exchange.out.nextSequence - 1}`));
      await exchange.settle();
    });
  }
}

worldTest("a broadcaster and a subscriber of loops that never let the event loop turn attach again, too", () => {
  using runtime = Runtime.open(options);
  using out = new DataBroadcaster(QUEUE, "busy", { runtime });
  using feed = new DataSubscriber(QUEUE, "busy", { runtime });
  sendAll(out, 1);
  const got: number[] = [];
  drain(feed, got);
  removeRoot();
  assertEquals(runtime.state, "detached");
  const deadline = performance.now() + BOUND_MS;
  // Not one turn of the event loop in here.
  for (let received = 0; received < 10;) {
    assertLess(performance.now(), deadline);
    sendAll(out, 1);
    if (feed.waitSync(1) && feed.receive() !== null && runtime.state === "attached") received++;
  }
  while (feed.receive() !== null);
  const { receivedBlocks, missedBlocks } = feed.getReceiveStats();
  assertEquals(receivedBlocks + missedBlocks, out.nextSequence);
});

worldTest("what is opened right after the removal finds a root that is made anew", () => {
  using runtime = Runtime.open(options);
  using out = new DataBroadcaster(QUEUE, "before", { runtime });
  for (let turn = 0; turn < 10; turn++) {
    removeRoot();
    assertEquals(runtime.state, "detached");
    if (turn % 2 === 0) {
      using again = Runtime.open(options);
      assertEquals([again.state, runtime.state], ["attached", "attached"]);
    }
    assertStillWorks(runtime, { lane: turn % 3 === 0 ? "queue" : "auto" });
    assertEquals(runtime.state, "attached");
  }
  assertEquals(out.getStats().errors, 0);
  // Who makes the service anew takes what is left of it away.
  assert(out.broadcast(Uint8Array.of(1), 1, Unknown) || out.broadcast(Uint8Array.of(2), 1, Unknown));
});

worldTest(
  "a root that cannot be made again: what is there goes on, new opens say why, and all is well when it can",
  async () => {
    // A file in the place of the folder is in the way of every user.
    using runtime = Runtime.open(options);
    const states = statesOf(runtime);
    using out = new DataBroadcaster(new BroadcastConfig({ lane: "ring" }), "kept", { runtime });
    using feed = new DataSubscriber(new BroadcastConfig({ lane: "ring" }), "kept", { runtime });
    using queueOut = new DataBroadcaster(QUEUE, "kept queue", { runtime });
    using queueFeed = new DataSubscriber(QUEUE, "kept queue", { runtime });
    const exchange = (): void => {
      assert(out.broadcast(Uint8Array.of(1), 1, Unknown) && queueOut.broadcast(Uint8Array.of(2), 1, Unknown));
      assertEquals([feed.receive(), queueFeed.receive()], [Uint8Array.of(1), Uint8Array.of(2)]);
    };
    exchange();
    removeRoot();
    writeFileSync(options.root, "in the way");
    await waitFor(() => states.length > 0);
    for (let turn = 0; turn < 5; turn++) {
      exchange();
      assertEquals(runtime.state, "detached");
      for (const open of [DataBroadcaster, DataSubscriber]) {
        assertMisuse(() => new open(QUEUE, "new", { runtime }), DaemonGoneError, { says: [options.root] });
      }
      assertMisuse(() => Runtime.open(options), DaemonGoneError, { says: [options.root] });
      assertMisuse(() => runtime.streams(), DaemonGoneError, { says: [options.root] });
    }
    rmSync(options.root);
    await waitFor(() => states.length === 2);
    assertEquals(states, AGAIN);
    await waitFor(() => queueOut.broadcast(Uint8Array.of(9), 1, Unknown) && queueFeed.receive()?.[0] === 9);
    assertEquals(feed.getReceiveStats().missedBlocks, 0);
    assertStillWorks(runtime);
  },
);

worldTest(
  "removed again and again: descriptors and threads are flat, and mappings grow by one for each port and time",
  async () => {
    const REMOVALS = 12;
    const WARM_UP = 4;
    const PORTS = 2;
    using runtime = Runtime.open(options);
    using out = new DataBroadcaster(QUEUE, "flat", { runtime });
    using feed = new DataSubscriber(QUEUE, "flat", { runtime });
    const exchange = (turn: number): Promise<boolean> =>
      waitFor(() => out.broadcast(Uint8Array.of(turn), 1, Unknown) && feed.receive()?.[0] === turn);
    let settled = takenBy(process.pid);
    for (let turn = 0; turn <= REMOVALS; turn++) {
      await exchange(turn);
      if (turn === WARM_UP) settled = takenBy(process.pid);
      if (turn === REMOVALS) break;
      removeRoot();
      await waitFor(() => runtime.state === "attached");
    }
    const isFlat = (): boolean => {
      const now = takenBy(process.pid);
      return now.descriptors <= settled.descriptors && now.threads <= settled.threads &&
        now.mappings <= settled.mappings + PORTS * (REMOVALS - WARM_UP);
    };
    await waitFor(isFlat, { what: `flatness: ${JSON.stringify(settled)}, ${JSON.stringify(takenBy(process.pid))}` });
  },
);
