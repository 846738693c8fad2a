// SPDX-License-Identifier: Apache-2.0
//
// The receiving side of `ring-decode`: all fields of all ticks of every block, read in place. Timed from the last block of the
// warm-up to the last block.
import { type Block, DataSubscriber, Runtime } from "../../mod.ts";
import { expectedSum, isRightSum, TICK_PAYLOADS, TICKS, touchTicks } from "../support/decoding.ts";
import { benchConfig, lossesOf } from "../support/stream.ts";
import { numberOption, report, sayReady } from "../support/worker.ts";

const count = numberOption("count");
const warmup = numberOption("warmup");
const POLL_LIMIT = 64;

using _runtime = Runtime.open();
using feed = new DataSubscriber(benchConfig(), "ticks");
sayReady();

const sums = Float64Array.from({ length: TICK_PAYLOADS }, (_, p) => expectedSum(p));
/** The sequence that should come next. One that does not come is a fault, not a wait without end. */
let taken = 0;
let faults = 0;

function handle(block: Block): void {
  const sequence = block.sequence;
  if (sequence !== taken || !isRightSum(touchTicks(block), sums[sequence % TICK_PAYLOADS])) faults++;
  taken = sequence + 1;
}

function takeUntil(end: number): void {
  while (taken < end) feed.poll(handle, Math.min(POLL_LIMIT, end - taken));
}

takeUntil(warmup);
const begin = performance.now();
takeUntil(warmup + count);
const seconds = (performance.now() - begin) / 1e3;
report({ ok: faults === 0, count, ticksPerSecond: count * TICKS / seconds, ...lossesOf(feed) });
