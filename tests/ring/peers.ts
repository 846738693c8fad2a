// SPDX-License-Identifier: Apache-2.0
// The second processes of the tests of rings, as a test talks to them.
import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { assertEquals } from "@std/assert";
import { TABLE_OFFSET_DATA_WORD, TABLE_OFFSET_ROOM_WORD } from "../../src/ring/layout.ts";
import { type Process, type ScriptOptions, startScript } from "../support/process.ts";
import { currentRuntime, type RuntimeName } from "../support/runtime.ts";
import { waitFor } from "../support/wait.ts";
import type { ReaderDemand, ReaderReport, Run } from "./reader.ts";
import type { WriterDemand, WriterReport } from "./writer.ts";

/** The runtime that this test does not run in. */
export const otherRuntime: RuntimeName = currentRuntime === "deno" ? "bun" : "deno";

/** The scripts that the processes run. */
export const WRITER = "tests/ring/writer.ts";
export const READER = "tests/ring/reader.ts";

/** A second process that says something for each line that it is told. */
class Peer<Report> {
  readonly process: Process;

  constructor(process: Process) {
    this.process = process;
  }

  /** Tells it something, and resolves to what it says. */
  async ask(command: string): Promise<Report> {
    this.process.writeLine(command);
    return JSON.parse(await this.process.nextLine()) as Report;
  }

  /** Ends its input, and resolves when it has ended in order. */
  async end(): Promise<void> {
    this.process.closeInput();
    assertEquals(await this.process.exited(), { code: 0, signal: null }, this.process.report());
  }

  /** Kills it. */
  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.exited();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.process[Symbol.asyncDispose]();
  }
}

/** A process that broadcasts. */
export class WriterPeer extends Peer<WriterReport> {
  readonly epoch: string;

  private constructor(process: Process, epoch: string) {
    super(process);
    this.epoch = epoch;
  }

  /** Starts one, and resolves when it offers its stream. */
  static start(stream: string, demand: WriterDemand = {}, options: ScriptOptions = {}): Promise<WriterPeer> {
    return WriterPeer.of(startScript(WRITER, [stream, JSON.stringify(demand)], options));
  }

  /** A process that runs the writer's script, when it offers its stream. */
  static async of(process: Process): Promise<WriterPeer> {
    const { epoch } = JSON.parse(await process.nextLine()) as { epoch: string };
    return new WriterPeer(process, epoch);
  }
}

/** A process that reads. */
export class ReaderPeer extends Peer<ReaderReport> {
  /** Starts one, and resolves when it is subscribed. */
  static start(stream: string, demand: ReaderDemand = {}, options: ScriptOptions = {}): Promise<ReaderPeer> {
    return ReaderPeer.of(startScript(READER, [stream, JSON.stringify(demand)], options));
  }

  /** A process that runs the reader's script, when it is subscribed. */
  static async of(process: Process): Promise<ReaderPeer> {
    assertEquals(await process.nextLine(), "ready", process.report());
    return new ReaderPeer(process);
  }

  /** Lets it read what is there, and resolves to what it has read in all. */
  async finish(): Promise<ReaderReport> {
    await this.end();
    return JSON.parse(this.process.lines.at(-1)!) as ReaderReport;
  }
}

/** What resolves while a test goes on reading, so that nobody who waits for it waits for ever. */
export async function meanwhile<T>(act: () => void, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = (): void => void (isSettled = true);
  promise.then(settle, settle);
  await waitFor(() => {
    act();
    return isSettled;
  });
  return promise;
}

/** The blocks of a broadcaster from `first` to below `end`, whole and in order. */
export function runOf(epoch: string, first: number, end: number): Run {
  return { epoch, first, last: end - 1, blocks: end - first };
}

/** The epochs of the rings that have a name. */
export function ringNames(): string[] {
  return namesLike(/^qaultra-ring-([0-9a-f]{16})$/);
}

/** The epochs of the reader tables that have a name. */
export function tableNames(): string[] {
  return namesLike(/^qaultra-readers-([0-9a-f]{16})$/);
}

/** The paths of both segments of a ring. */
export function pathsOf(epoch: string): { data: string; table: string } {
  return { data: `/dev/shm/qaultra-ring-${epoch}`, table: `/dev/shm/qaultra-readers-${epoch}` };
}

/** A word of a file as it is now. */
export function wordOf(path: string, offset: number): number {
  const file = openSync(path, "r");
  try {
    const word = new Uint32Array(1);
    readSync(file, word, 0, 4, offset);
    return word[0]!;
  } finally {
    closeSync(file);
  }
}

/** A word that somebody can be parked at: whether anybody is, and how many times those who were have been woken. */
export function parkingOf(epoch: string, word: "data" | "room"): { isParked: boolean; wakes: number } {
  const value = wordOf(pathsOf(epoch).table, word === "data" ? TABLE_OFFSET_DATA_WORD : TABLE_OFFSET_ROOM_WORD);
  return { isParked: (value & 1) !== 0, wakes: value >>> 1 };
}

function namesLike(pattern: RegExp): string[] {
  return readdirSync("/dev/shm").flatMap((name) => pattern.exec(name)?.[1] ?? []).sort();
}
