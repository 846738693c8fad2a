// SPDX-License-Identifier: Apache-2.0
//
// `heap`: bytes allocated for each block that `poll` hands to a handler, which touches the sequence, a data byte and a field
// of a record. On a lossy stream only what was received counts.
import { type Block, DataSubscriber, Runtime, Tick } from "../../mod.ts";
import { openHeapMeter } from "../support/heap.ts";
import { benchConfig } from "../support/stream.ts";
import { numberOption, report, sayReady } from "../support/worker.ts";

const count = numberOption("count");
const warmup = numberOption("warmup");
const POLL_LIMIT = 64;

using _runtime = Runtime.open();
using feed = new DataSubscriber(benchConfig(), "heap");
const meter = await openHeapMeter();
sayReady();

let taken = 0;
/** The latest sequence, wrong blocks, and finite prices. In an array, since a large number in a variable is allocated. */
const totals = new Float64Array([-1, 0, 0]);

function handle(block: Block): void {
  const sequence = block.sequence;
  // Each payload begins with the low byte of its number.
  const byte = block.data[0];
  const finite = Number.isFinite(block.records(Tick).at(0).last);
  if (!block.intact) return;
  if (sequence <= totals[0] || byte !== sequence % 256) totals[1]++;
  if (finite) totals[2]++;
  totals[0] = sequence;
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
const { missedBlocks } = feed.getReceiveStats();
report({
  ok: totals[1] === 0 && totals[2] > 0 && (missedBlocks === 0 || feed.config.delivery === "lossy"),
  count,
  bytesPerBlock: Math.max(0, after - before - 2 * reading) / count,
});
