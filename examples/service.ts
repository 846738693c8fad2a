// SPDX-License-Identifier: Apache-2.0
// A live risk monitor: how far the price is below its highest close, and the volatility of the last 21 days.
//   bun run examples/service.ts [stream] [lane]
import process from "node:process";
import { Bar, BroadcastConfig, DataSubscriber, type LaneChoice, Runtime } from "@qaultra/ipc";
import { checksum } from "./support/checksum.ts";

const [DAYS, DAYS_A_YEAR, ALERT_STEP] = [21, 252, 0.1];
const [stream = "sp500", lane = "auto"] = process.argv.slice(2);

using runtime = Runtime.open({ roudi: "spawn" });
const config = new BroadcastConfig({
  delivery: "lossless",
  lane: lane as LaneChoice,
  wait: "park",
  statsEnabled: true,
});
using feed = new DataSubscriber(config, stream, { runtime });

let [bars, sum, last, peak, worst, highest, alerted] = [0, 0, 0, 0, 0, 0, 0];
const returns: number[] = [];
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

for await (const block of feed) {
  if (block.recordCount === 0) break;
  sum = checksum(block.data, sum);
  for (const bar of block.records(Bar)) {
    bars++;
    if (last > 0) returns.push(Math.log(bar.close / last));
    if (returns.length > DAYS) returns.shift();
    last = bar.close;
    peak = Math.max(peak, last);

    const drawdown = 1 - last / peak;
    const variance = returns.reduce((all, value) => all + value * value, 0) / DAYS;
    const volatility = returns.length < DAYS ? 0 : Math.sqrt(variance * DAYS_A_YEAR);
    worst = Math.max(worst, drawdown);
    highest = Math.max(highest, volatility);

    const step = Math.floor(drawdown / ALERT_STEP);
    if (step > alerted) {
      const date = new Date(bar.timestampMs).toISOString().slice(0, 10);
      console.log(`${date} alert: drawdown ${percent(drawdown)}, volatility ${percent(volatility)} a year`);
    }
    // The next alert of the same depth comes after a new high.
    alerted = drawdown === 0 ? 0 : Math.max(alerted, step);
  }
}
const result = { bars, checksum: sum, worstDrawdown: worst, highestVolatility: highest };
console.log(JSON.stringify({ ...result, blocks: feed.getReceiveStats() }));
