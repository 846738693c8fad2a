// SPDX-License-Identifier: Apache-2.0
// Broadcasts the daily bars of a CSV file (date,open,high,low,close,adjusted close,volume), one bar a block.
//   deno run --allow-ffi --allow-read examples/feed.ts FILE [bars per second] [readers to wait for] [stream] [lane]
import { readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { Bar, BroadcastConfig, DataBroadcaster, type LaneChoice, MarketDataType, Runtime } from "@qaultra/ipc";

const [file = "bars.csv", perSecond = "500", readers = "1", stream = "sp500", lane = "auto"] = process.argv.slice(2);
const lines = readFileSync(file, "utf8").trim().split("\n").slice(1);

using runtime = Runtime.open({ roudi: "spawn" });
const config = new BroadcastConfig({ delivery: "lossless", lane: lane as LaneChoice, statsEnabled: true });
using out = new DataBroadcaster(config, stream, { runtime });
const bars = out.writer(Bar);

console.log(`waiting for ${readers} readers of ${stream}`);
while (out.getSubscriberCount() < Number(readers)) await delay(10);

const began = performance.now();
for (const [index, line] of lines.entries()) {
  while (performance.now() - began < (index / Number(perSecond)) * 1000) await delay(1);
  const [date, open, high, low, close, , volume] = line.split(",");
  bars.write({
    timestampNs: BigInt(Date.parse(date)) * 1_000_000n,
    periodNs: 86_400_000_000_000n,
    open: Number(open),
    high: Number(high),
    low: Number(low),
    close: Number(close),
    volume: Number(volume),
    tradeCount: 0,
    symbol: "SPX",
  });
  // Lossless: a reader that is behind makes the feed wait instead of losing a bar.
  while (!bars.flush()) await out.waitForRoom(1000);
  if (index % 100 === 0) console.log(`${date} ${index} of ${lines.length}`);
}
// By the convention of these examples, a block without records ends the stream.
while (!out.broadcast(new Uint8Array(0), 0, MarketDataType.Bar)) await out.waitForRoom(1000);
console.log(JSON.stringify({ bars: lines.length, blocks: out.getStats() }));
