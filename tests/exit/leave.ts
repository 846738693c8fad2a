// SPDX-License-Identifier: Apache-2.0
// leave.ts <way> <lane> <JSON of the options of its runtime>
//
// A script that ends with much left open, in the way that its first argument names. It prints its pid when all is open.
import process from "node:process";
import {
  BroadcastConfig,
  DataBroadcaster,
  DataSubscriber,
  type LaneChoice,
  MarketDataType,
  Runtime,
  type RuntimeOptions,
  Tick,
} from "../../mod.ts";

const [way = "", lane, optionsText = "{}"] = process.argv.slice(2);
const options = JSON.parse(optionsText) as RuntimeOptions;
const stream = `leaver-${process.pid}`;
const config = new BroadcastConfig({ lane: lane as LaneChoice, history: 16 });
const runtime = Runtime.open(options);
const out = new DataBroadcaster(config, stream, { runtime });
const feed = new DataSubscriber(config, stream, { runtime, wait: "park" });
const ticks = new DataBroadcaster(config, `${stream}-ticks`, { runtime }).writer(Tick);
const kept: unknown[] = [runtime, out, feed, ticks];
ticks.write({ timestampNs: 1n, last: 1, bid: 1, ask: 1, volume: 1n, symbol: "QAUL" });
for (let value = 0; value < 20; value++) {
  out.broadcast(Uint8Array.of(value), 1, MarketDataType.Unknown);
  if (value < 10) kept.push(feed.receiveBlock());
}
// A ring has one loan at a time.
for (let loans = lane === "queue" ? 2 : 1; loans > 0; loans--) kept.push(out.loan());

/** A loop that has read all there is and sleeps. */
async function park(): Promise<void> {
  const parked = new DataSubscriber(config, `${stream}-parked`, { runtime, wait: "park" });
  for await (const block of parked) kept.push(block.sequence);
}

/** A Worker with ports of its own, asleep in its thread or in its event loop. */
function startWorker(how: "sync" | "async"): Promise<Worker> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url).href, { type: "module" });
  return new Promise((resolve) => {
    worker.onmessage = () => resolve(worker);
    worker.postMessage({ how, stream, lane, options });
  });
}

/** The runtime's own way out: the global of Deno, where there is one. */
function leave(code: number): never {
  const { Deno } = globalThis as { Deno?: { exit(code: number): never } };
  if (way.includes("Deno.exit") && Deno !== undefined) Deno.exit(code);
  process.exit(code);
}

const ways: Record<string, () => unknown> = {
  "ends": () => {},
  "ends after its runtime was closed": () => runtime.close(),
  "throws": () => {
    throw new Error("on purpose");
  },
  "has an unhandled rejection": () => void Promise.reject(new Error("on purpose")),
  "calls process.exit": () => leave(7),
  "calls Deno.exit": () => leave(7),
  "calls process.exit in a timer beside a parked loop": () => {
    park();
    setTimeout(() => leave(7), 5);
  },
  "throws in a timer beside a parked loop": () => {
    park();
    setTimeout(() => {
      throw new Error("on purpose");
    }, 5);
  },
  "calls process.exit in a poll handler": () => feed.poll(() => leave(7)),
  "throws in a poll handler": () =>
    feed.poll(() => {
      throw new Error("on purpose");
    }),
  "calls process.exit in a loop": async () => {
    for await (const block of feed) if (block.sequence > 12) leave(7);
  },
  "throws in a loop": async () => {
    for await (const block of feed) if (block.sequence > 12) throw new Error("on purpose");
  },
  "calls process.exit over a Worker in waitSync": async () => {
    await startWorker("sync");
    leave(7);
  },
  "calls process.exit over a Worker in a parked loop": async () => {
    await startWorker("async");
    leave(7);
  },
  "throws over a Worker in a parked loop": async () => {
    await startWorker("async");
    throw new Error("on purpose");
  },
  "ends after its Worker was terminated": async () => {
    (await startWorker("async")).terminate();
  },
};

console.log(process.pid);
await ways[way]!();
