// SPDX-License-Identifier: Apache-2.0
//
// The receiving side of `ring-fanout`: some subscribers of one process, which spin or are parked until the last block has come.
import { type Block, DataSubscriber, Runtime } from "../../mod.ts";
import { benchConfig, lossesOf } from "../support/stream.ts";
import { numberOption, report, sayReady } from "../support/worker.ts";

const blocks = numberOption("warmup") + numberOption("bursts") * numberOption("blocks");
const subscribers = numberOption("subscribers");
const WAIT_MS = 1000;

using _runtime = Runtime.open();
const config = benchConfig();
const feeds = Array.from({ length: subscribers }, () => new DataSubscriber(config, "fanout"));
sayReady();

/** The latest sequence that each subscriber got. */
const latest = new Int32Array(subscribers).fill(-1);
let current = 0;
let faults = 0;
let received = 0;
let finished = 0;

function handle(block: Block): void {
  const sequence = block.sequence;
  if (sequence <= latest[current]) faults++;
  latest[current] = sequence;
  received++;
  if (sequence === blocks - 1) finished++;
}

const parked = config.wait === "park";
while (finished < subscribers) {
  if (parked) feeds[0].waitSync(WAIT_MS);
  for (current = 0; current < subscribers; current++) feeds[current].poll(handle);
}
const { missed } = lossesOf(...feeds);
report({ ok: faults === 0 && received + missed === blocks * subscribers, received, missed });
for (const feed of feeds) feed.close();
