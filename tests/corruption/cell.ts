// SPDX-License-Identifier: Apache-2.0
//
// One trial: a writer and a reader of a stream, each in a process of its own, and a third process that writes random bytes into what
// they share.
import { statSync } from "node:fs";
import type { BroadcastConfigFields } from "../../mod.ts";
import { RING_HEADER_BYTES, RING_SLOT_BYTES } from "../../src/ring/layout.ts";
import { pathsOf } from "../ring/peers.ts";
import { type Process, startProgram, startScript } from "../support/process.ts";
import type { NativeStack } from "../support/ground.ts";
import type { RuntimeName } from "../support/runtime.ts";
import type { ReaderDemand, ReaderReport } from "./reader.ts";
import type { WriterDemand, WriterPlace } from "./writer.ts";

/** What is spoiled: the slots of a ring, their stamps alone, its header, its table of readers, all of it; the blocks of the queue lane. */
export type Target = "slots" | "stamps" | "header" | "table" | "all" | "queue";

/** How a stream is read. */
export type Way = "stable" | "in-place" | "lossless" | "queue";

/** What is tried. */
export interface Cell {
  readonly stack: NativeStack;
  readonly reader: RuntimeName;
  readonly writer: RuntimeName;
  readonly way: Way;
  readonly target: Target;
}

/** What came of it. */
export interface CellResult extends ReaderReport {
  readonly sent: number;
  /** Bytes that were overwritten. */
  readonly bytes: number;
  /** What was promised and did not hold; empty when all is well. */
  readonly faults: readonly string[];
}

const CAPACITY = 64;
/** Places to overwrite in a millisecond. */
const PER_MS = 40;
/** A process that says nothing for so long hangs: five times what a poll and a wait may take on a busy machine. */
const SILENCE_MS_MAX = 60_000;
/** When enough was tried: bytes that were overwritten, and, where blocks are what is spoiled, those that were found to be. */
const BYTES_MIN = 20_000;
const CORRUPT_MIN = 50;
const GOOD_MIN = 500;
/** Lines that both sides say after enough was spoiled. */
const LINES_AFTERWARDS = 3;

const FIELDS: Readonly<Record<Way, Partial<BroadcastConfigFields>>> = {
  stable: { lane: "ring", queueLane: "off", read: "stable", bufferDepth: CAPACITY },
  "in-place": { lane: "ring", queueLane: "off", read: "in-place", bufferDepth: CAPACITY },
  lossless: { lane: "ring", queueLane: "off", delivery: "lossless", bufferDepth: CAPACITY },
  queue: { lane: "queue" },
};

/** Every way with all that can be spoiled of it, but for the runtimes. The rings of iceoryx2 are the same, so each way is tried once. */
export const SPOILS: readonly Pick<Cell, "stack" | "way" | "target">[] = [
  ...(["stable", "in-place", "lossless"] as const).flatMap((way) =>
    (["slots", "stamps", "header", "table", "all"] as const).map((target) => ({
      stack: "iceoryx" as const,
      way,
      target,
    }))
  ),
  { stack: "iceoryx", way: "queue", target: "queue" },
  { stack: "iceoryx2", way: "stable", target: "all" },
  { stack: "iceoryx2", way: "in-place", target: "slots" },
  { stack: "iceoryx2", way: "lossless", target: "table" },
  { stack: "iceoryx2", way: "queue", target: "queue" },
];

let streams = 0;

/** The pieces of files that a target is, as the arguments of the program that spoils them. */
function piecesOf(target: Target, { epoch, pool, offsets }: WriterPlace): string[] {
  const { data, table } = pathsOf(epoch);
  const piece = (path: string, from: number, stride: number, length: number, count: number): string[] => [
    path,
    ...[from, stride, length, count].map(String),
  ];
  const whole = (path: string): string[] => piece(path, 0, 0, statSync(path).size, 1);
  switch (target) {
    case "slots":
      return piece(data, RING_HEADER_BYTES, 0, CAPACITY * RING_SLOT_BYTES, 1);
    case "stamps":
      return piece(data, RING_HEADER_BYTES, RING_SLOT_BYTES, 8, CAPACITY);
    case "header":
      return piece(data, 0, 0, RING_HEADER_BYTES, 1);
    case "table":
      return whole(table);
    case "all":
      return [...whole(data), ...whole(table)];
    case "queue":
      // The blocks alone: what a stack keeps between them it trusts blindly.
      return offsets.flatMap((offset) => piece(pool, offset, 0, RING_SLOT_BYTES, 1));
  }
}

function startPair({ stack, reader, writer, way }: Cell, findsEnd: boolean): { reading: Process; writing: Process } {
  const stream = `corruption_${++streams}`;
  const config = FIELDS[way];
  const read: ReaderDemand = { stack, stream, config, findsEnd };
  const write: WriterDemand = { stack, stream, config };
  const reading = startScript("tests/corruption/reader.ts", [JSON.stringify(read)], { runtime: reader });
  const writing = startScript("tests/corruption/writer.ts", [JSON.stringify(write)], { runtime: writer });
  return { reading, writing };
}

/** The next report of a process. */
async function next<Report>(process: Process): Promise<Report> {
  return JSON.parse(await process.nextLine({ timeoutMs: SILENCE_MS_MAX })) as Report;
}

/** Runs a trial. A RouDi has to run where iceoryx is the stack. */
export async function runCell(cell: Cell, seed: number): Promise<CellResult> {
  const { target, way } = cell;
  const spoilsBlocks = target === "slots" || target === "stamps" || target === "queue";
  const { reading, writing } = startPair(cell, spoilsBlocks);
  await using _reading = reading;
  await using _writing = writing;
  await reading.waitForLine("ready", { timeoutMs: SILENCE_MS_MAX });
  const place = await next<WriterPlace>(writing);
  let report = await next<ReaderReport>(reading);
  while (report.good === 0) report = await next<ReaderReport>(reading);
  await using vandal = startProgram("build/bin/corruption_vandal", [
    `${seed}`,
    `${PER_MS}`,
    ...piecesOf(target, place),
  ]);
  let bytes = 0;
  const isEnough = (): boolean =>
    bytes >= BYTES_MIN && (!spoilsBlocks || (report.corrupt >= CORRUPT_MIN && report.good >= GOOD_MIN));
  for (let lines = 0; lines < LINES_AFTERWARDS;) {
    bytes = await next<number>(vandal);
    report = await next<ReaderReport>(reading);
    await next<unknown>(writing);
    if (isEnough()) lines++;
  }
  // Spoiled to the end, so that nothing is put right before it is looked at.
  const ends: Exited[] = [];
  for (const [name, process] of [["writer", writing], ["vandal", vandal], ["reader", reading]] as const) {
    process.closeInput();
    ends.push({ name, process, exit: await process.exited({ timeoutMs: SILENCE_MS_MAX }) });
  }
  const sent = (JSON.parse(writing.lines.at(-1)!) as { sent: number }).sent;
  const final = JSON.parse(reading.lines.at(-1)!) as ReaderReport;
  return { ...final, sent, bytes, faults: faultsOf(way, target, ends, final, sent) };
}

interface Exited {
  readonly name: string;
  readonly process: Process;
  readonly exit: { readonly code: number | null; readonly signal: string | null };
}

/** What was promised and did not hold. */
function faultsOf(way: Way, target: Target, ends: readonly Exited[], report: ReaderReport, sent: number): string[] {
  const faults: string[] = [];
  for (const { name, process, exit } of ends) {
    if (exit.code !== 0) faults.push(`the ${name} ended otherwise: ${process.report()}`);
  }
  const must = (isTrue: boolean, what: string): void => {
    if (!isTrue) faults.push(`${what}: ${JSON.stringify({ ...report, sent })}`);
  };
  must(report.isLast, "the reader did not come to its end");
  must(report.wrong === 0, "a wrong block was handed out");
  must(report.corrupt <= report.missed, "corrupt blocks are not among the missed ones");
  must(way !== "stable" || report.spoiled === 0, "a copy changed");
  if (target === "slots" || target === "stamps") {
    must(report.received + report.missed === sent, "received and missed blocks are not those sent");
  }
  return faults;
}
