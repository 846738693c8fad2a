// SPDX-License-Identifier: Apache-2.0
//
// The receiving side of `massive-*`: many subscribers of one process, each of which gets every block. Every block is checked by
// its sequence; of a sample, another one for each subscriber, all fields of all ticks are read.
import process from "node:process";
import { type Block, DataSubscriber, Runtime } from "../../mod.ts";
import { expectedSum, isRightSum, TICK_PAYLOADS, TICKS, touchTicks } from "../support/decoding.ts";
import { benchConfig, lossesOf } from "../support/stream.ts";
import { numberOption, report, sayReady } from "../support/worker.ts";

const count = numberOption("count");
const warmup = numberOption("warmup");
const subscribers = numberOption("subscribers");
const POLL_LIMIT = 256;
/** One block of this many is decoded by each subscriber, so that about every block is decoded by one. A power of two. */
const SAMPLE = 1024;

using _runtime = Runtime.open();
const config = benchConfig();
const rssBefore = process.memoryUsage().rss;
const feeds = Array.from({ length: subscribers }, () => new DataSubscriber(config, "ticks"));
sayReady();

const sums = Float64Array.from({ length: TICK_PAYLOADS }, (_, p) => expectedSum(p));
/** The sequence that each subscriber gets next. */
const next = new Int32Array(subscribers);
let current = 0;
let faults = 0;
let decoded = 0;

function handle(block: Block): void {
  const sequence = block.sequence;
  if (sequence !== next[current]) faults++;
  next[current] = sequence + 1;
  if (((sequence + current) & (SAMPLE - 1)) !== 0) return;
  if (!isRightSum(touchTicks(block), sums[sequence % TICK_PAYLOADS])) faults++;
  decoded++;
}

function takeUntil(end: number): void {
  let behind = true;
  while (behind) {
    behind = false;
    for (current = 0; current < subscribers; current++) {
      const wanted = end - next[current];
      if (wanted === 0) continue;
      feeds[current].poll(handle, Math.min(POLL_LIMIT, wanted));
      behind = true;
    }
  }
}

takeUntil(warmup);
const begin = performance.now();
takeUntil(warmup + count);
const seconds = (performance.now() - begin) / 1e3;
const rss = process.memoryUsage().rss;
const losses = lossesOf(...feeds);
report({
  ok: faults === 0 && losses.missed === 0 && decoded > 0,
  count,
  decoded,
  rss,
  rssBefore,
  ticksPerSecond: count * TICKS / seconds,
  deliveriesPerSecond: count * subscribers / seconds,
  ...losses,
});
for (const feed of feeds) feed.close();
