// SPDX-License-Identifier: Apache-2.0
//
// The receiving side of `ring-for-await`: a loop that always finds data, while a timer of 10 ms runs in the same process.
import { DataSubscriber, Runtime } from "../../mod.ts";
import { Histogram } from "../support/histogram.ts";
import { benchConfig, lossesOf } from "../support/stream.ts";
import { numberOption, report, sayReady } from "../support/worker.ts";

const count = numberOption("count");
const warmup = numberOption("warmup");
const TIMER_MS = 10;
const US_PER_MS = 1000;

using _runtime = Runtime.open();
using feed = new DataSubscriber(benchConfig(), "throughput");
sayReady();

/** From setting a timer of 10 ms to its call, in microseconds. */
const timers = new Histogram();
let timer: ReturnType<typeof setTimeout> | undefined;
function setTimer(): void {
  const set = performance.now();
  timer = setTimeout(() => {
    timers.add((performance.now() - set) * US_PER_MS);
    setTimer();
  }, TIMER_MS);
}

/** The sequence that should come next. One that does not come is a fault, not a wait without end. */
let taken = 0;
let faults = 0;
let begin = 0;
for await (const block of feed) {
  const sequence = block.sequence;
  // Each payload begins with the low byte of its number.
  if (sequence !== taken || block.data[0] !== sequence % 256) faults++;
  taken = sequence + 1;
  if (taken === warmup) {
    setTimer();
    begin = performance.now();
  }
  if (taken >= warmup + count) break;
}
const seconds = (performance.now() - begin) / 1e3;
clearTimeout(timer);
const fired = timers.percentiles(1 / US_PER_MS);
report({
  ok: faults === 0 && timers.count > 0,
  count,
  blocksPerSecond: count / seconds,
  timers: timers.count,
  timerP50Ms: fired.p50,
  timerMaxMs: fired.max,
  ...lossesOf(feed),
});
