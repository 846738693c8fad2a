// SPDX-License-Identifier: Apache-2.0
// A moving-average crossover: in the market while the 50-day average is above the 200-day average.
//   deno run --allow-ffi examples/strategy.ts [stream] [lane]
import process from "node:process";
import { Bar, BroadcastConfig, DataSubscriber, type LaneChoice, Runtime } from "@qaultra/ipc";
import { checksum } from "./support/checksum.ts";

const [FAST, SLOW, MONTH] = [50, 200, 21];
const [stream = "sp500", lane = "auto"] = process.argv.slice(2);

using runtime = Runtime.open({ roudi: "spawn" });
const config = new BroadcastConfig({
  delivery: "lossless",
  lane: lane as LaneChoice,
  wait: "park",
  statsEnabled: true,
});
using feed = new DataSubscriber(config, stream, { runtime });

let [cash, worth, shares, trades, fast, slow, sum] = [100_000, 100_000, 0, 0, 0, 0, 0];
const closes: number[] = [];
const equity: number[] = [];

for await (const block of feed) {
  if (block.recordCount === 0) break;
  sum = checksum(block.data, sum);
  for (const bar of block.records(Bar)) {
    // What yesterday's averages said is done at today's open.
    const wanted = closes.length >= SLOW && fast / FAST > slow / SLOW;
    if (wanted !== shares > 0) {
      [cash, shares] = wanted ? [0, cash / bar.open] : [shares * bar.open, 0];
      trades++;
      const date = new Date(bar.timestampMs).toISOString().slice(0, 10);
      console.log(`${date} ${wanted ? "buy " : "sell"} at ${bar.open.toFixed(2)}`);
    }
    closes.push(bar.close);
    fast += bar.close - (closes[closes.length - 1 - FAST] ?? 0);
    slow += bar.close - (closes[closes.length - 1 - SLOW] ?? 0);
    worth = cash + shares * bar.close;
    if (closes.length % MONTH === 0) equity.push(Math.round(worth));
  }
}
const result = { bars: closes.length, checksum: sum, trades, worth, equity };
console.log(JSON.stringify({ ...result, blocks: feed.getReceiveStats() }));
