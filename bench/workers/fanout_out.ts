// SPDX-License-Identifier: Apache-2.0
//
// The sending side of `ring-fanout`: what a block costs the writer. Bursts of blocks at a fixed pace, so that the readers keep
// up; timed is each burst, divided by its blocks. Before that blocks without a pace, so that the code is compiled.
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
/** Processes that read; a process counts once, however many subscribers it has. */
const readers = numberOption("readers");

using _runtime = Runtime.open();
using out = new DataBroadcaster(benchConfig(), "fanout");
await until(() => out.getSubscriberCount() === readers);

const payload = new Payload(numberOption("bytes"));

function send(count: number, data: Uint8Array): void {
  for (let i = 0; i < count; i++) {
    if (!out.broadcast(data, payload.recordCount, MarketDataType.Tick)) throw new Error("A lossy ring had no room");
  }
}

const costs = new Histogram();
for (let i = 0; i < warmup; i++) send(1, payload.at(i));
let due = performance.now();
for (let burst = 0; burst < bursts; burst++) {
  due += intervalMs;
  spinUntil(due);
  const data = payload.at(burst);
  const begin = performance.now();
  send(blocks, data);
  costs.add((performance.now() - begin) * 1e6 / blocks);
}
report({ ok: true, count: costs.count, ...costs.percentiles() });
await until(() => out.getSubscriberCount() === 0);
