// SPDX-License-Identifier: Apache-2.0
// sender.ts <lane> <period in ms> <stream> ...
//
// A second process that broadcasts a block of 8 bytes on each stream in turn, one every so many milliseconds, or without a pause
// when that is 0. Prints "ready" before the first and, when its input ends, how many it sent on each stream.
import process from "node:process";
import { BroadcastConfig, DataBroadcaster, type LaneChoice, MarketDataType, Runtime } from "../../mod.ts";

const [lane, period, ...streams] = process.argv.slice(2);
using runtime = Runtime.open();
const config = new BroadcastConfig({ lane: lane as LaneChoice });
const outs = streams.map((stream) => new DataBroadcaster(config, stream, { runtime }));
const data = new Uint8Array(8);
let running = true;
process.stdin.on("end", () => running = false).resume();
console.log("ready");
for (let turn = 0; running; turn++) {
  outs[turn % outs.length]!.broadcast(data, 1, MarketDataType.Unknown);
  // A pause now and then even without one, so that the end of the input is seen.
  if (period !== "0") await new Promise((resolve) => setTimeout(resolve, Number(period)));
  else if (turn % 200 === 199) await new Promise((resolve) => setImmediate(resolve));
}
console.log(outs.map((out) => out.getStats().sentBlocks).join(" "));
for (const out of outs) out.close();
