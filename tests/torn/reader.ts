// SPDX-License-Identifier: Apache-2.0
// reader.ts <module> <JSON of a TornReaderDemand>
//
// Polls a stream and checks every word of every block that it is told is whole. Says in lines of JSON what it has read, the last
// time when all of the stream's rings have ended; reader.c says the same.
import process from "node:process";
import type { Block, ReadMode } from "../../mod.ts";
import { openModule } from "./module.ts";
import { TornPattern, type UsedBytes } from "./pattern.ts";

/** How a reader reads. */
export interface TornReaderDemand {
  readonly stream: string;
  readonly usedBytes: UsedBytes;
  readonly mode: ReadMode;
  readonly seed: number;
  /** Sequences from this one on are those of the second ring. */
  readonly secondRing: number;
}

/** What a reader says. */
export interface TornReport {
  /** Blocks that were said to be whole, and were right. */
  readonly good: number;
  /** Blocks that were said to be whole, and were not what their sequence says, or came out of order. */
  readonly reported: number;
  /** Blocks that were said not to be whole when they had been read. */
  readonly detected: number;
  /** All blocks that were handed out. */
  readonly handled: number;
  /** What the counters of the subscriber, or of the readers in C, say. */
  readonly received: number;
  readonly missed: number;
  readonly laps: number;
  readonly torn: number;
  readonly corrupt: number;
  readonly isLast: boolean;
}

/** Between two turns of the event loop, and between two reports. */
const TURN_MS = 20;
const REPORT_MS = 200;
/** Blocks of one poll. */
const POLL_BLOCKS = 4096;
/** A rest comes after so many blocks at the most, and takes so many turns of the generator at the most. */
const REST_BLOCKS_MASK = 127;
const REST_TURNS_MASK = 4095;
/** How long it sleeps when there is nothing, as while its writers are stopped. */
const IDLE_MS = 1;
const RINGS = 2;

const { BroadcastConfig, DataSubscriber, Runtime } = await openModule(process.argv[2]!);
const { stream, usedBytes, mode, seed, secondRing } = JSON.parse(process.argv[3]!) as TornReaderDemand;
using runtime = Runtime.open();
using feed = new DataSubscriber(new BroadcastConfig({ lane: "ring", read: mode }), stream, { runtime });
const pattern = new TornPattern(usedBytes);
const lastOf = new Float64Array(RINGS).fill(-1);
let randomState = seed | 1;
let untilRest = 1;
let good = 0;
let reported = 0;
let detected = 0;
let handled = 0;

/** Now and then lets the writer come near, or pass: a reader that always keeps up proves nothing. */
function rest(): void {
  if (--untilRest > 0) return;
  untilRest = (randomState & REST_BLOCKS_MASK) + 1;
  // Marsaglia's xorshift, in a local so that a turn takes the same nanosecond in every engine.
  let state = randomState;
  for (let left = (state >>> 8) & REST_TURNS_MASK; left >= 0; left--) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  randomState = state;
}

function handle(block: Block): void {
  const { sequence } = block;
  rest();
  const isRight = pattern.holds(block, sequence);
  if (!block.intact) {
    detected++;
    return;
  }
  const ring = sequence < secondRing ? 0 : 1;
  if (isRight && sequence > lastOf[ring]!) good++;
  else reported++;
  lastOf[ring] = sequence;
}

function say(isLast: boolean): void {
  const { receivedBlocks, missedBlocks, gaps, tornBlocks, corruptBlocks } = feed.getReceiveStats();
  const report: TornReport = {
    ...{ good, reported, detected, handled, isLast },
    ...{ received: receivedBlocks, missed: missedBlocks, laps: gaps, torn: tornBlocks, corrupt: corruptBlocks },
  };
  console.log(JSON.stringify(report));
}

/** Reads until it is time for others; false when there is nothing more to read. */
function read(): boolean {
  const end = performance.now() + TURN_MS;
  while (performance.now() < end) {
    const count = feed.poll(handle, POLL_BLOCKS);
    handled += count;
    if (count === 0 && !feed.waitSync(IDLE_MS) && feed.state === "ended") return false;
  }
  return true;
}

console.log("ready");
let reportedAt = performance.now();
while (read()) {
  await new Promise((resolve) => setImmediate(resolve));
  if (performance.now() - reportedAt < REPORT_MS) continue;
  reportedAt = performance.now();
  say(false);
}
say(true);
