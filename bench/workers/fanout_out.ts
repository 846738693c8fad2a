// SPDX-License-Identifier: Apache-2.0
//
// The sending side of `ring-fanout`: what a block costs the writer. Bursts of blocks at a fixed pace, so that the readers keep
// up; timed is each burst, divided by its blocks.
import { DataBroadcaster, MarketDataType, Runtime } from "../../mod.ts";
import { Histogram } from "../support/histogram.ts";
import { spinUntil } from "../support/pace.ts";
import { Payload } from "../support/payload.ts";
import { benchConfig } from "../support/stream.ts";
import { numberOption, report, until } from "../support/worker.ts";

const bursts = numberOption("bursts");
const warmup = numberOption("warmup");
const blocks = numberOption("blocks");
const intervalMs = numberOption("interval-ms");
const subscribers = numberOption("subscribers");

using _runtime = Runtime.open();
using out = new DataBroadcaster(benchConfig(), "fanout");
await until(() => out.getSubscriberCount() === subscribers);

const payload = new Payload(numberOption("bytes"));

function send(count: number, costs: Histogram): void {
  let due = performance.now();
  for (let burst = 0; burst < count; burst++) {
    spinUntil(due);
    due += intervalMs;
    const data = payload.at(burst);
    const begin = performance.now();
    for (let i = 0; i < blocks; i++) {
      if (!out.broadcast(data, payload.recordCount, MarketDataType.Tick)) throw new Error("A lossy ring had no room");
    }
    costs.add((performance.now() - begin) * 1e6 / blocks);
  }
}

const costs = new Histogram();
send(warmup, new Histogram());
send(bursts, costs);
report({ ok: true, count: costs.count, ...costs.percentiles() });
await until(() => out.getSubscriberCount() === 0);
