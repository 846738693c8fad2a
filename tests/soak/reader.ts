// SPDX-License-Identifier: Apache-2.0
// reader.ts <name of a feed> <way>
//
// A reader of a soak run: compares every record of every block with what was sent, and says what it has read for each line that
// it is told:
//   state       no more than that
//   gc          after it has collected its garbage
//   end <next>  after it has read on until the block before this sequence, and stopped
// When its input ends it ends.
import process from "node:process";
import { createInterface } from "node:readline";
import { type Block, BroadcastConfig, DataSubscriber, type ReceiveStats, Runtime } from "../../mod.ts";
import { PatternMemory } from "../support/fast_pattern.ts";
import { releaseMemory } from "./release.ts";
import { faultOf, type FeedName, FEEDS, STREAMS } from "./streams.ts";

/** How a reader reads: in a loop that sleeps in the event loop, or by `waitSync` and `poll` between its turns. */
export type Way = "for await" | "poll";

/** What a reader says of itself. */
export interface SoakReaderReport
  extends Pick<ReceiveStats, "receivedBlocks" | "receivedRecords" | "missedBlocks" | "gaps" | "droppedByWriter"> {
  /** The sequences of the first and the last block, or null before there is one. */
  readonly first: number | null;
  readonly last: number | null;
  /** Blocks that were compared. */
  readonly verified: number;
  /** Blocks from the first to the last one of each broadcaster. */
  readonly spanned: number;
  /** What was wrong: a byte, or an order. */
  readonly faults: readonly string[];
}

/** How long it does not hear what it is told. */
const WAIT_MS = 50;
/** How long to read on for a block that should have come. */
const END_TIMEOUT_MS = 30_000;
const FAULTS_MAX = 5;

const [name, way] = process.argv.slice(2) as [FeedName, Way];
const { stream, lane } = FEEDS[name];
using runtime = Runtime.open();
using feed = new DataSubscriber(new BroadcastConfig({ ...STREAMS[stream].config, lane }), stream, { runtime });
const memory = new PatternMemory();
const faults: string[] = [];
const stop = new AbortController();
let epoch = -1n;
let first: number | null = null;
let last: number | null = null;
let verified = 0;
let spanned = 0;
/** Where to stop. */
let end = Infinity;

function note(fault: string): void {
  if (faults.length < FAULTS_MAX) faults.push(fault);
}

function handle(block: Block): void {
  const { sequence } = block;
  const fault = faultOf(memory, block);
  if (fault !== "") note(fault);
  if (last !== null && sequence <= last) note(`block ${sequence} came after block ${last}`);
  if (block.epoch === epoch) {
    spanned += sequence - last!;
  } else {
    epoch = block.epoch;
    spanned++;
  }
  first ??= sequence;
  last = sequence;
  verified++;
}

function hasReached(): boolean {
  return last !== null && last + 1 >= end;
}

async function loop(): Promise<void> {
  for await (const block of feed.blocks({ signal: stop.signal })) {
    handle(block);
    if (hasReached()) return;
  }
}

async function poll(): Promise<void> {
  while (!stop.signal.aborted && !hasReached()) {
    feed.waitSync(WAIT_MS);
    feed.poll(handle);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function report(): SoakReaderReport {
  const { receivedBlocks, receivedRecords, missedBlocks, gaps, droppedByWriter } = feed.getReceiveStats();
  const counted = { receivedBlocks, receivedRecords, missedBlocks, gaps, droppedByWriter };
  return { ...counted, first, last, verified, spanned, faults };
}

console.log("ready");
const reading = way === "poll" ? poll() : loop();
for await (const line of createInterface({ input: process.stdin })) {
  const [command, next] = line.split(" ");
  if (command === "gc") {
    releaseMemory();
  } else if (command === "end") {
    end = Number(next);
    // Where it has come so far already, no further block need come.
    const timer = setTimeout(() => stop.abort(), hasReached() ? 0 : END_TIMEOUT_MS);
    await reading;
    clearTimeout(timer);
  }
  console.log(JSON.stringify(report()));
}
