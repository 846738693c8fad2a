// SPDX-License-Identifier: Apache-2.0
// idle_cpu.ts <lane> <stream> <wait strategy> <stack>
//
// Parks a loop over a stream where nothing is sent, and prints which share of one CPU the process used meanwhile, as one line of
// JSON: {"parked": share while the loop waited, "plain": share of as much time without a loop}. Then reads one block, printed.
import process from "node:process";
import { BroadcastConfig, DataSubscriber, type LaneChoice, Runtime, type Stack, type WaitStrategy } from "../../mod.ts";
import { delay } from "../support/wait.ts";

const MEASURED_MS = 200;
const WINDOWS = 3;

/** The share of one CPU that this process uses in a window of time in which it does nothing itself. */
async function shareOfWindow(): Promise<number> {
  // What was begun before is over then.
  await delay(100);
  const began = performance.now();
  const before = process.cpuUsage();
  await delay(MEASURED_MS);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / (performance.now() - began);
}

/** The least of some windows: the runtime has work of its own now and then, a loop that looks all the time has it in each. */
async function share(): Promise<number> {
  let least = Infinity;
  for (let window = 0; window < WINDOWS; window++) least = Math.min(least, await shareOfWindow());
  return least;
}

const [lane, stream, wait, stack] = process.argv.slice(2) as [LaneChoice, string, WaitStrategy, Stack];
using runtime = Runtime.open({ stack });
using feed = new DataSubscriber(new BroadcastConfig({ lane, wait }), stream, { runtime });
const plain = await share();
const reading = (async () => {
  for await (const block of feed) return block.sequence;
})();
const parked = await share();
console.log(JSON.stringify({ parked, plain }));
console.log(`got ${await reading}`);
