// SPDX-License-Identifier: Apache-2.0
//
// `decode`: ticks read in place per second, all fields of all records, and the same additions over a Float64Array. Both
// take turns in short rounds.
import { DataBroadcaster, DataSubscriber, Runtime } from "../../mod.ts";
import {
  doublesLikeTicks,
  expectedSum,
  holdBlockOfTicks,
  isRightSum,
  TICKS,
  touchDoubles,
  touchTicks,
  touchTicksByIndex,
} from "../support/decoding.ts";
import { benchConfig } from "../support/stream.ts";
import { numberOption, report } from "../support/worker.ts";

const passes = numberOption("count");
const warmup = numberOption("warmup");

using _runtime = Runtime.open();
const config = benchConfig();
using feed = new DataSubscriber(config, "decode");
using out = new DataBroadcaster(config, "decode");
using block = holdBlockOfTicks(out, feed);
const doubles = doublesLikeTicks();
const expected = expectedSum();
let faults = 0;

/** Ticks per second of `touch`, each pass of which must bring the expected sum. */
function measure(touch: () => number, rounds: number): number {
  const begin = performance.now();
  for (let i = 0; i < rounds; i++) if (!isRightSum(touch(), expected)) faults++;
  return rounds * TICKS / ((performance.now() - begin) / 1e3);
}

const contenders = {
  iterated: () => touchTicks(block),
  indexed: () => touchTicksByIndex(block),
  floor: () => touchDoubles(doubles),
};
const rates: Record<string, number[]> = { iterated: [], indexed: [], floor: [] };
for (const touch of Object.values(contenders)) measure(touch, warmup);
const ROUNDS = 9;
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, touch] of Object.entries(contenders)) rates[name].push(measure(touch, passes));
}
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1];
report({
  ok: faults === 0,
  count: passes * TICKS * ROUNDS,
  ticksPerSecond: median(rates.iterated),
  indexedPerSecond: median(rates.indexed),
  floorPerSecond: median(rates.floor),
});
