// SPDX-License-Identifier: Apache-2.0
//
// The receiving side of `queue-throughput`; `bench/floor/throughput.c` is its like in C. Timed from the last block of the
// warm-up to the last block; copying out and summing up lie inside.
import { type Block, BroadcastConfig, DataSubscriber, Runtime } from "../../mod.ts";
import { Payload } from "../support/payload.ts";
import { numberOption, report, sayReady } from "../support/worker.ts";

const bytes = numberOption("bytes");
const count = numberOption("count");
const warmup = numberOption("warmup");
const POLL_LIMIT = 64;

using _runtime = Runtime.open();
const config = BroadcastConfig.highPerformance().with({
  serviceName: "Bench",
  delivery: "lossless",
  cpuAffinity: numberOption("cpu"),
});
using feed = new DataSubscriber(config, "throughput");
sayReady();

const payload = new Payload(bytes);
const received = payload.received;
let sum = 0;
let taken = 0;
let faults = 0;

function handle(block: Block): void {
  if (block.sequence !== taken || block.data.length !== bytes) faults++;
  else received.set(block.data);
  sum = (sum + payload.sumReceived()) | 0;
  taken++;
}

function takeUntil(end: number): void {
  while (taken < end) feed.poll(handle, Math.min(POLL_LIMIT, end - taken));
}

takeUntil(warmup);
const begin = performance.now();
takeUntil(warmup + count);
const seconds = (performance.now() - begin) / 1e3;
report({ ok: faults === 0, count, checksum: sum >>> 0, blocksPerSecond: count / seconds });
