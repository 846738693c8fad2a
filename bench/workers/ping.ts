// SPDX-License-Identifier: Apache-2.0
//
// The asking side of `queue-tick` and `queue-block`; `bench/floor/pingpong.c` is its like in C. Timed is one round trip:
// copy in, publish, wait for the answer, copy out, give back. Preparing payloads and summing up lie outside.
import { type Block, BroadcastConfig, DataBroadcaster, DataSubscriber, MarketDataType, Runtime } from "../../mod.ts";
import { Histogram } from "../support/histogram.ts";
import { Payload } from "../support/payload.ts";
import { numberOption, report, until } from "../support/worker.ts";

const bytes = numberOption("bytes");
const count = numberOption("count");
const warmup = numberOption("warmup");

using _runtime = Runtime.open();
const config = BroadcastConfig.lowLatency().with({ serviceName: "Bench", cpuAffinity: numberOption("cpu") });
using feed = new DataSubscriber(config, "pong");
using out = new DataBroadcaster(config, "ping");
await until(() => out.getSubscriberCount() > 0);

const payload = new Payload(bytes);
const received = payload.received;
const latencies = new Histogram();
let sentSum = 0;
let receivedSum = 0;
let badLengths = 0;

function copyOut(block: Block): void {
  const data = block.data;
  if (data.length === bytes) received.set(data);
  else badLengths++;
}

function roundTrips(first: number, end: number, histogram: Histogram): void {
  for (let i = first; i < end; i++) {
    const data = payload.at(i);
    sentSum = (sentSum + payload.sumOf(i)) | 0;
    const begin = performance.now();
    if (!out.broadcast(data, payload.recordCount, MarketDataType.Tick)) throw new Error(`No room for block ${i}`);
    while (feed.poll(copyOut, 1) === 0);
    const end = performance.now();
    receivedSum = (receivedSum + payload.sumReceived()) | 0;
    histogram.add((end - begin) * 1e6);
  }
}

roundTrips(0, warmup, new Histogram());
roundTrips(warmup, warmup + count, latencies);
report({
  ok: badLengths === 0 && sentSum === receivedSum,
  count: latencies.count,
  checksum: receivedSum >>> 0,
  ...latencies.percentiles(0.5),
});
