// SPDX-License-Identifier: Apache-2.0
//
// One trial: a reader of one or two rings whose writers lap it, all of them stopped and continued at random moments, and its counts
// compared with what the writers sent.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { ReadMode } from "../../mod.ts";
import { type Process, startProgram, startScript } from "../support/process.ts";
import { Random } from "../support/random.ts";
import type { RuntimeName } from "../support/runtime.ts";
import { delay } from "../support/wait.ts";
import type { UsedBytes } from "./pattern.ts";
import type { TornReaderDemand, TornReport } from "./reader.ts";
import type { TornWriterDemand } from "./writer.ts";

/** Who writes or reads: a script in one of the runtimes, or a program that uses ring.h. */
export type Side = RuntimeName | "c";

/** What is tried. */
export interface Trial {
  readonly reader: Side;
  readonly mode: ReadMode;
  /** One writer for each ring. */
  readonly writers: readonly Side[];
  readonly usedBytes: UsedBytes;
  /** Slots of each ring: few, so that its writer is always close behind the reader. */
  readonly capacity: number;
  readonly seed: number;
  /** The modules and the program that are tried in place of the real ones. */
  readonly readerModule?: string;
  readonly writerModule?: string;
  readonly readerProgram?: string;
}

/** What came of it. */
export interface TrialResult extends TornReport {
  readonly sent: number;
  readonly seconds: number;
  /** How often a process was stopped. */
  readonly stops: number;
  /** Counts that do not add up; empty when all is well. */
  readonly faults: readonly string[];
}

/** Writers show that they live in this interval. */
const HEARTBEAT_MS = 100;
/** Between two stops, and how long they last: mostly less than the heartbeat's interval, now and then more. */
const PAUSE_MS_MIN = 20;
const PAUSE_MS_MAX = 400;
const SHORT_STOP_MS_MAX = 20;
const LONG_STOP_MS_MAX = 3 * HEARTBEAT_MS;
const STOPS_PER_LONG_ONE = 10;
/** Near where the low halves of sequences begin anew, for each ring. */
const FIRST_SEQUENCES: readonly number[] = [2 ** 32 - 1_000_000, 2 ** 40 - 1_000_000];
const SECOND_RING = 2 ** 39;
/** A reader that says nothing for so long hangs. */
const SILENCE_MS_MAX = 60_000;
const MODULE = "mod.ts";
const LIBRARY = "build/lib/libqipc.so.1";

let streams = 0;

function startWriter(side: Side, demand: TornWriterDemand, module: string): Process {
  const { stream, usedBytes, firstSequence, capacity, heartbeatIntervalMs } = demand;
  if (side !== "c") return start("tests/torn/writer.ts", module, demand, side);
  return startProgram("build/bin/torn_writer", [
    ...["--stream", stream, "--used", `${usedBytes}`, "--first-sequence", `${firstSequence}`],
    ...["--capacity", `${capacity}`, "--heartbeat-interval-ms", `${heartbeatIntervalMs}`],
  ]);
}

function start(script: string, module: string, demand: unknown, runtime: RuntimeName): Process {
  return startScript(script, [module, JSON.stringify(demand)], { runtime, env: { QAULTRA_IPC_LIBRARY: LIBRARY } });
}

/** The processors that this process may use. */
function processors(): number[] {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))![1]!;
  return list.split(",").flatMap((range) => {
    const [first, last] = range.split("-").map(Number);
    return Array.from({ length: (last ?? first!) - first! + 1 }, (_, index) => first! + index);
  });
}

/** Reader and writers on one processor would only take turns, so the reader gets one of its own where there are two. */
function keepApart(reader: Process, writers: readonly Process[]): void {
  const [first, ...others] = processors();
  if (others.length === 0) return;
  const pin = (process: Process, list: readonly number[]): void =>
    void execFileSync("taskset", ["--all-tasks", "--cpu-list", "--pid", list.join(","), `${process.pid}`]);
  pin(reader, [first!]);
  for (const writer of writers) pin(writer, others);
}

/** Stops and continues processes at random until it is told that it is over; resolves to how often. */
async function disturb(processes: readonly Process[], random: Random, isOver: () => boolean): Promise<number> {
  for (let stops = 0;; stops++) {
    await delay(random.integer(PAUSE_MS_MIN, PAUSE_MS_MAX));
    if (isOver()) return stops;
    const victim = random.pick(processes);
    const isLong = random.integer(1, STOPS_PER_LONG_ONE) === 1;
    victim.kill("SIGSTOP");
    try {
      await delay(isLong ? random.integer(HEARTBEAT_MS, LONG_STOP_MS_MAX) : random.integer(0, SHORT_STOP_MS_MAX));
    } finally {
      victim.kill("SIGCONT");
    }
  }
}

/** Reads what a reader says until that is enough or all that it says. */
async function follow(reader: Process, isEnough: (report: TornReport) => boolean): Promise<TornReport> {
  while (true) {
    const report = JSON.parse(await reader.nextLine({ timeoutMs: SILENCE_MS_MAX })) as TornReport;
    if (report.isLast || isEnough(report)) return report;
  }
}

/** Runs one trial, until what the reader says is enough. A RouDi must run. */
export async function runTrial(trial: Trial, isEnough: (report: TornReport) => boolean): Promise<TrialResult> {
  const { mode, usedBytes, seed } = trial;
  const stream = `torn_${++streams}`;
  const random = new Random(seed);
  await using ends = new AsyncDisposableStack();
  const demand: TornReaderDemand = { stream, usedBytes, mode, seed, secondRing: SECOND_RING };
  let reader: Process | undefined;
  // A script subscribes before there is a ring, and so reads all of it from its first block.
  if (trial.reader !== "c") {
    reader = ends.use(start("tests/torn/reader.ts", trial.readerModule ?? MODULE, demand, trial.reader));
    await reader.waitForLine("ready");
  }
  const writers: Process[] = [];
  const epochs: string[] = [];
  for (const [ring, side] of trial.writers.entries()) {
    const firstSequence = FIRST_SEQUENCES[ring]!;
    const common = { stream, usedBytes, firstSequence, capacity: trial.capacity, heartbeatIntervalMs: HEARTBEAT_MS };
    const writer = ends.use(startWriter(side, common, trial.writerModule ?? MODULE));
    writers.push(writer);
    epochs.push((JSON.parse(await writer.nextLine()) as { epoch: string }).epoch);
  }
  // A program joins all rings before their writers begin, which wait for it.
  reader ??= ends.use(
    startProgram(trial.readerProgram ?? "build/bin/torn_reader", [`${usedBytes}`, mode, `${seed}`, ...epochs]),
  );
  keepApart(reader, writers);
  const began = performance.now();
  let isOver = false;
  const disturbance = disturb([reader, ...writers], random, () => isOver);
  try {
    await follow(reader, isEnough);
  } finally {
    isOver = true;
  }
  const stops = await disturbance;
  const seconds = (performance.now() - began) / 1000;
  let sent = 0;
  for (const writer of writers) writer.closeInput();
  for (const writer of writers) sent += (JSON.parse(await writer.nextLine()) as { sent: number }).sent;
  const report = await follow(reader, () => false);
  for (const process of [...writers, reader]) {
    const { code, signal } = await process.exited();
    if (code !== 0) throw new Error(`Ended with ${signal ?? code}: ${process.report()}`);
  }
  return { ...report, sent, seconds, stops, faults: faultsOf(trial, report, sent) };
}

/** What of the counts does not add up. */
function faultsOf({ mode, reader }: Trial, report: TornReport, sent: number): string[] {
  const { good, reported, detected, handled, received, missed, torn, corrupt } = report;
  const faults: string[] = [];
  const must = (isTrue: boolean, what: string): void => {
    if (!isTrue) faults.push(`${what}: ${JSON.stringify({ ...report, sent })}`);
  };
  must(received + missed === sent, "received and missed blocks are not those sent");
  must(good + reported + detected === handled, "a block is neither whole nor torn");
  must(corrupt === 0, "a block counts as corrupt that was only overwritten");
  must(torn <= missed, "torn blocks are not among the missed ones");
  if (mode === "stable") {
    must(handled === received && detected === 0, "a stable block changed");
  } else {
    must(handled === received + torn, "a block that was handled is neither received nor torn");
    // What was whole when it was looked at may still be overwritten before it is given back, and not the other way round.
    must(torn >= detected, "a block that was known to be torn was received");
    if (reader === "c") must(torn === detected, "a torn block was not told of");
  }
  return faults;
}
