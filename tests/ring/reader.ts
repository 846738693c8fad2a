// SPDX-License-Identifier: Apache-2.0
// reader.ts <stream> <JSON of a ReaderDemand>
//
// A second process that subscribes, checks every byte of every block, and says so in a line of JSON for each line that it is told:
//   pause      stops reading
//   go         reads again
//   stats      what it has read so far
//   until <n>  as soon as it has met a block with this sequence or a later one
// When its input ends it reads what is there, says what it has read, and ends.
import process from "node:process";
import { createInterface } from "node:readline";
import {
  type Block,
  BroadcastConfig,
  type BroadcastConfigFields,
  DataSubscriber,
  type ReceiveStats,
  Runtime,
  type RuntimeOptions,
} from "../../mod.ts";
import { epochOf } from "./epoch.ts";
import { faultOf } from "./payload.ts";

/** How a reader is made and reads. */
export interface ReaderDemand {
  /** How its runtime is opened. */
  readonly runtime?: RuntimeOptions;
  readonly config?: Partial<BroadcastConfigFields>;
  readonly observe?: boolean;
  /** How it reads: by `poll` between turns of the event loop, after `waitSync` or not, or in a loop. Default: poll. */
  readonly way?: "poll" | "waitSync" | "for await";
  /** How long it rests, in milliseconds, and after how many blocks. */
  readonly restMs?: number;
  readonly restBlocks?: number;
}

/** Blocks in a row from one broadcaster. */
export interface Run {
  readonly epoch: string;
  readonly first: number;
  last: number;
  blocks: number;
}

/** What a reader says of itself. */
export interface ReaderReport extends Omit<ReceiveStats, "latencyNs"> {
  readonly state: string;
  readonly runs: readonly Run[];
  /** What was wrong: a byte, or a sequence that is not the one after the last. */
  readonly faults: readonly string[];
  readonly runtime: string;
}

/** Blocks between two turns of the event loop. */
const SLICE = 256;
/** How long it does not hear what it is told. */
const WAIT_MS = 50;
const FAULTS_MAX = 5;

const [stream, demand] = process.argv.slice(2);
const { runtime: options, config, observe, way = "poll", restMs, restBlocks = SLICE } = JSON.parse(
  demand ?? "{}",
) as ReaderDemand;
using runtime = Runtime.open(options);
using feed = new DataSubscriber(new BroadcastConfig(config), stream!, { runtime, observe });
const runs: Run[] = [];
const faults: string[] = [];
let isPaused = false;
let isEnding = false;
let epoch = -1n;
let run: Run | undefined;
let wanted = Infinity;

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function note(fault: string): void {
  if (faults.length < FAULTS_MAX) faults.push(fault);
}

function handle(block: Block): void {
  const { sequence } = block;
  const fault = faultOf(block);
  if (fault !== "") note(fault);
  if (run === undefined || block.epoch !== epoch) {
    epoch = block.epoch;
    run = { epoch: epochOf(block), first: sequence, last: sequence, blocks: 1 };
    runs.push(run);
  } else {
    if (sequence !== run.last + 1) note(`block ${sequence} came after block ${run.last}`);
    run.last = sequence;
    run.blocks++;
  }
  if (sequence < wanted) return;
  wanted = Infinity;
  say();
}

function say(): void {
  const { latencyNs: _, ...stats } = feed.getReceiveStats();
  const said: ReaderReport = { ...stats, state: feed.state, runs, faults, runtime: runtime.state };
  console.log(JSON.stringify(said));
}

async function poll(): Promise<void> {
  while (!isEnding) {
    if (way === "waitSync" && !isPaused) feed.waitSync(WAIT_MS);
    const handled = isPaused ? 0 : feed.poll(handle, restBlocks);
    if (handled > 0 && restMs === undefined) await new Promise((resolve) => setImmediate(resolve));
    else await rest(restMs ?? 1);
  }
  while (feed.poll(handle) > 0);
}

async function loop(): Promise<void> {
  for await (const block of feed) handle(block);
}

async function obey(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, argument] = line.split(" ");
    if (command === "until") {
      wanted = Number(argument);
      if (run === undefined || run.last < wanted) continue;
      wanted = Infinity;
    } else if (command === "pause" || command === "go") {
      isPaused = command === "pause";
    }
    say();
  }
  isEnding = true;
  if (way === "for await") feed.close();
}

console.log("ready");
await Promise.all([obey(), way === "for await" ? loop() : poll()]);
say();
