// SPDX-License-Identifier: Apache-2.0
//
// The asking side of `queue-tick`, `ring-tick` and their likes; `bench/floor/pingpong.c` is its like in C. Timed is one round
// trip: copy in, publish, wait for the answer, copy out. Preparing payloads and summing up lie outside.
import { type Block, DataBroadcaster, DataSubscriber } from "../../mod.ts";
import { sharedClock } from "../support/clock.ts";
import { makeExchange, type Work } from "../support/exchange.ts";
import { Histogram } from "../support/histogram.ts";
import { benchConfig, benchRuntime } from "../support/stream.ts";
import { numberOption, report, textOption, until } from "../support/worker.ts";

const count = numberOption("count");
const warmup = numberOption("warmup");

using _runtime = benchRuntime();
const config = benchConfig();
using feed = new DataSubscriber(config, "pong");
using out = new DataBroadcaster(config, "ping");
await until(() => !feed.hasData() && out.getSubscriberCount() > 0);

const exchange = makeExchange(textOption("work") as Work, numberOption("bytes"));
// Half as dear as `performance.now()` in one of the runtimes; what reading a clock takes is in every round trip.
const clock = sharedClock(Date.now());
/** When the answer was at hand. In an array, so that no number is allocated. */
const taken = new Float64Array(1);
const latencies = new Histogram();

function take(block: Block): void {
  exchange.take(block);
  if (!exchange.inHandler) return;
  taken[0] = clock();
  exchange.check();
}

function roundTrips(first: number, end: number, histogram: Histogram): void {
  const { recordCount, type } = exchange;
  for (let i = first; i < end; i++) {
    const data = exchange.prepare(i);
    const begin = clock();
    if (!out.broadcast(data, recordCount, type)) throw new Error(`No room for block ${i}`);
    while (feed.poll(take, 1) === 0);
    if (!exchange.inHandler) {
      taken[0] = clock();
      exchange.check();
    }
    histogram.add(taken[0] - begin);
  }
}

roundTrips(0, warmup, new Histogram());
roundTrips(warmup, warmup + count, latencies);
report({
  ok: exchange.faults === 0 && exchange.sentSum === exchange.takenSum,
  count: latencies.count,
  checksum: exchange.takenSum >>> 0,
  ...latencies.percentiles(0.5),
});
