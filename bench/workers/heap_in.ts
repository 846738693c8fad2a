// SPDX-License-Identifier: Apache-2.0
//
// `heap`: bytes allocated for each block that `poll` hands to a handler, which touches the sequence, a data byte and a field
// of a record.
import { type Block, BroadcastConfig, DataSubscriber, Runtime, Tick } from "../../mod.ts";
import { openHeapMeter } from "../support/heap.ts";
import { numberOption, report, sayReady } from "../support/worker.ts";

const count = numberOption("count");
const warmup = numberOption("warmup");
const POLL_LIMIT = 64;

using _runtime = Runtime.open();
const config = BroadcastConfig.highPerformance().with({ serviceName: "Bench", delivery: "lossless" });
using feed = new DataSubscriber(config, "throughput");
const meter = await openHeapMeter();
sayReady();

let taken = 0;
/** Sums of sequences and of data bytes, and finite prices. In an array, since a large number in a variable is allocated. */
const totals = new Float64Array(3);

function handle(block: Block): void {
  totals[0] += block.sequence;
  totals[1] += block.data[0];
  if (Number.isFinite(block.records(Tick).at(0).last)) totals[2]++;
  taken++;
}

function takeUntil(end: number): void {
  while (taken < end) feed.poll(handle, Math.min(POLL_LIMIT, end - taken));
}

takeUntil(warmup);
meter.collect();
const before = meter.read();
const reading = meter.read() - before;
takeUntil(warmup + count);
const after = meter.read();
const total = warmup + count;
report({
  ok: totals[0] === total * (total - 1) / 2 && totals[1] > 0 && totals[2] > 0,
  count,
  bytesPerBlock: Math.max(0, after - before - 2 * reading) / count,
});
