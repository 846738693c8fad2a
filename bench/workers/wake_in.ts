// SPDX-License-Identifier: Apache-2.0
//
// The receiving side of `wake`: the first line of a parked `for await` reads the clock.
import { DataSubscriber } from "../../mod.ts";
import { sharedClock } from "../support/clock.ts";
import { Histogram } from "../support/histogram.ts";
import { benchConfig, benchRuntime } from "../support/stream.ts";
import { numberOption, report, sayReady } from "../support/worker.ts";

const warmup = numberOption("warmup");
const blocks = numberOption("count") + warmup;

using _runtime = benchRuntime();
const now = sharedClock(numberOption("base-ms"));
using feed = new DataSubscriber(benchConfig(), "wake");
sayReady();

const latencies = new Histogram();
let received = 0;
let faults = 0;
for await (const block of feed) {
  const at = now();
  const data = block.data;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (view.getFloat64(0, true) !== received) faults++;
  if (received >= warmup) latencies.add(at - view.getFloat64(8, true));
  if (++received === blocks) break;
}
report({ ok: faults === 0, count: latencies.count, ...latencies.percentiles() });
