// SPDX-License-Identifier: Apache-2.0
// A script that publishes and reads in a tight loop, with signal listeners as its arguments say:
//   <lane> <when> [<api>]   when: never, before, after (Runtime.open), or removed; api: process or Deno
// It prints "ready", then one line for each signal that a listener got, and ends in order when its stdin does.
import process from "node:process";
import { readFileSync } from "node:fs";
import { setImmediate, setTimeout } from "node:timers/promises";
import {
  BroadcastConfig,
  DataBroadcaster,
  DataSubscriber,
  type LaneChoice,
  MarketDataType,
  Runtime,
} from "../../mod.ts";

const [lane, when = "never", api = "process"] = process.argv.slice(2);
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const SIGNAL_NUMBERS = [2, 15, 1] as const;
const listeners = SIGNALS.map((name) => ({ name, listener: () => console.log(`got ${name}`) }));

interface DenoSignals {
  addSignalListener(name: string, listener: () => void): void;
  removeSignalListener(name: string, listener: () => void): void;
}
const { Deno } = globalThis as { Deno?: DenoSignals };

function listen(): void {
  for (const { name, listener } of listeners) {
    if (api === "Deno") Deno!.addSignalListener(name, listener);
    else process.on(name, listener);
  }
}

function ignore(): void {
  for (const { name, listener } of listeners) {
    if (api === "Deno") Deno!.removeSignalListener(name, listener);
    else process.off(name, listener);
  }
}

/** Whether this process has a handler for the signal with this number. */
function isCaught(number: number): boolean {
  const [, mask] = /SigCgt:\s*([0-9a-f]+)/.exec(readFileSync("/proc/self/status", "utf8"))!;
  return (BigInt(`0x${mask}`) >> BigInt(number - 1) & 1n) === 1n;
}

if (when === "before" || when === "removed") listen();
const runtime = Runtime.open();
if (when === "after" || when === "removed") listen();
if (when === "removed") {
  ignore();
  ignore();
  // Bun gives the default back to the kernel; the library looks every 50 ms and lays its handler over it again.
  while (!SIGNAL_NUMBERS.every(isCaught)) await setTimeout(1);
}

const stream = `busy-${process.pid}`;
const config = new BroadcastConfig({ lane: lane as LaneChoice });
const out = new DataBroadcaster(config, stream, { runtime });
const feed = new DataSubscriber(config, stream, { runtime });
const data = new Uint8Array(8160);
let ended = false;
process.stdin.resume();
process.stdin.once("end", () => ended = true);
console.log("ready");
while (!ended) {
  for (let turn = 0; turn < 2000; turn++) {
    out.broadcast(data, 1, MarketDataType.Unknown);
    feed.poll((block) => void block.sequence);
  }
  await setImmediate();
}
const { missedBlocks, receivedBlocks } = feed.getReceiveStats();
console.log(`ended ${missedBlocks === 0 && receivedBlocks === out.getStats().sentBlocks}`);
runtime.close();
process.exit(0);
