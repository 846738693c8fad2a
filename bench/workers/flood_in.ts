// SPDX-License-Identifier: Apache-2.0
//
// The receiving side of the throughput benches; `bench/floor/throughput.c` is its like in C. Timed from the last block of the
// warm-up to the last block; copying out and summing up lie inside.
import { type Block, DataSubscriber, Runtime } from "../../mod.ts";
import { Payload } from "../support/payload.ts";
import { benchConfig, lossesOf } from "../support/stream.ts";
import { numberOption, report, sayReady } from "../support/worker.ts";

const bytes = numberOption("bytes");
const count = numberOption("count");
const warmup = numberOption("warmup");
const POLL_LIMIT = 64;

using _runtime = Runtime.open();
using feed = new DataSubscriber(benchConfig(), "throughput");
sayReady();

const payload = new Payload(bytes);
const received = payload.received;
let sum = 0;
/** The sequence that should come next. One that does not come is a fault, not a wait without end. */
let taken = 0;
let faults = 0;

function handle(block: Block): void {
  const sequence = block.sequence;
  if (sequence !== taken || block.data.length !== bytes) faults++;
  else received.set(block.data);
  sum = (sum + payload.sumReceived()) | 0;
  taken = sequence + 1;
}

function takeUntil(end: number): void {
  while (taken < end) feed.poll(handle, Math.min(POLL_LIMIT, end - taken));
}

takeUntil(warmup);
const begin = performance.now();
takeUntil(warmup + count);
const seconds = (performance.now() - begin) / 1e3;
report({ ok: faults === 0, count, checksum: sum >>> 0, blocksPerSecond: count / seconds, ...lossesOf(feed) });
