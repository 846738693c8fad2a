// SPDX-License-Identifier: Apache-2.0
//
// A receiving side of `massive-processes`: some subscribers of one process, parked while there is nothing. Every block is checked by
// its sequence, a sample by all of its ticks. After each trial it says how many blocks its subscribers missed.
import { type Block, DataSubscriber, MarketDataType, Runtime } from "../../mod.ts";
import { TrialEnd } from "../support/crowd.ts";
import { expectedSum, isRightSum, TICK_PAYLOADS, touchTicks } from "../support/decoding.ts";
import { benchConfig, lossesOf } from "../support/stream.ts";
import { numberOption, pause, report, sayReady } from "../support/worker.ts";

const subscribers = numberOption("subscribers");
const WAIT_MS = 1000;
/** One block of this many is decoded by each subscriber. A power of two. */
const SAMPLE = 1024;

using _runtime = Runtime.open();
const config = benchConfig();
const feeds = Array.from({ length: subscribers }, () => new DataSubscriber(config, "crowd"));
sayReady();

const sums = Array.from({ length: TICK_PAYLOADS }, (_, p) => expectedSum(p));
/** The latest sequence that each subscriber got. */
const latest = new Int32Array(subscribers).fill(-1);
let current = 0;
let faults = 0;
let received = 0;
/** Subscribers that have got the end of the trial, and which trial that was. */
let atEnd = 0;
let trial = 0;

function handle(block: Block): void {
  const sequence = block.sequence;
  if (sequence <= latest[current]) faults++;
  latest[current] = sequence;
  received++;
  if (block.dataType === MarketDataType.Unknown) {
    trial = block.records(TrialEnd).at(0).trial;
    atEnd++;
  } else if (((sequence + current) & (SAMPLE - 1)) === 0) {
    const sum = touchTicks(block);
    if (!sums.some((expected) => isRightSum(sum, expected))) faults++;
  }
}

let missedBefore = 0;
while (trial >= 0) {
  feeds[0].waitSync(WAIT_MS);
  for (current = 0; current < subscribers; current++) feeds[current].poll(handle);
  if (atEnd < subscribers) continue;
  atEnd = 0;
  const { missed } = lossesOf(...feeds);
  report({ ok: faults === 0, trial, received, missed: missed - missedBefore });
  missedBefore = missed;
  // So that the line leaves the process before this thread sleeps again.
  await pause(0);
}
for (const feed of feeds) feed.close();
