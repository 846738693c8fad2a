// SPDX-License-Identifier: Apache-2.0
import { Process, type ProgramOptions } from "../../tests/support/process.ts";
import { projectFolder, type RuntimeName } from "../../tests/support/runtime.ts";

/** How long one measurement may take; only what hangs takes as long. */
export const TIMEOUT_MS = 180_000;

/** How a worker is started. */
export interface WorkerOptions extends ProgramOptions {
  /** Further flags for Deno, and its permissions beside `--allow-ffi`. */
  readonly denoFlags?: readonly string[];
  /** The CPU that the whole process stays on; without it, the worker pins the thread that matters itself. */
  readonly cpu?: number;
}

/** The numbers that a worker or a floor reported. */
export type Report = Readonly<Record<string, number>>;

/** What the benches are told about the whole run. */
export interface Context {
  readonly runtimes: readonly RuntimeName[];
  /** Repetitions of each measurement, ours and the floor's in turn; the median counts. */
  readonly repetitions: number;
  /** Multiplies the number of samples. */
  readonly scale: number;
  /** Says what is being measured. */
  progress(text: string): void;
}

/** Starts a worker of `bench/workers` in a runtime, in Deno with `--allow-ffi` alone unless `how` says more. */
export function startWorker(
  runtime: RuntimeName,
  name: string,
  options: Readonly<Record<string, number | string>>,
  how: WorkerOptions = {},
): Process {
  const program = `${projectFolder}/node_modules/.bin/${runtime}`;
  const command = runtime === "deno"
    ? [program, "run", "--quiet", "--no-check", "--no-prompt", "--allow-ffi", ...how.denoFlags ?? []]
    : [program, "run", "--no-install"];
  return new Process([
    ...pinned(how.cpu),
    ...command,
    `${projectFolder}/bench/workers/${name}.ts`,
    ...flags(options),
  ], how);
}

/** Starts a C program of the build folder: a floor, or a peer of the tests. */
export function startBinary(name: string, options: Readonly<Record<string, number | string>>): Process {
  return new Process([`${projectFolder}/build/bin/${name}`, ...flags(options)]);
}

function pinned(cpu: number | undefined): string[] {
  return cpu === undefined ? [] : ["taskset", "--cpu-list", String(cpu)];
}

function flags(options: Readonly<Record<string, number | string>>): string[] {
  return Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)]);
}

/** Waits for the end of a program and reads its report, its last line. */
export async function reportOf(program: Process): Promise<Report> {
  const exit = await program.exited({ timeoutMs: TIMEOUT_MS });
  const last = program.lines.at(-1);
  if (exit.code !== 0 || last === undefined) throw new Error(`A measurement failed: ${program.report()}`);
  const { ok, ...report } = JSON.parse(last) as { ok: boolean };
  if (!ok) throw new Error(`What arrived is not what was sent: ${program.report()}`);
  return report;
}

/**
 * Runs two workers against each other: the second one starts when the first one is ready.
 *
 * @returns Their reports, whose checksums are equal where both have one.
 */
export async function runPair(first: Process, startSecond: () => Process): Promise<[Report, Report]> {
  await using one = first;
  await one.waitForLine("ready", { timeoutMs: TIMEOUT_MS });
  await using two = startSecond();
  const reports = await Promise.all([reportOf(one), reportOf(two)]);
  const [a, b] = reports;
  if (a.checksum !== undefined && b.checksum !== undefined && a.checksum !== b.checksum) {
    throw new Error(`The checksums of the two sides differ: ${one.report()}\n${two.report()}`);
  }
  return reports;
}

/** Runs a program to its end. */
export async function runAlone(program: Process): Promise<Report> {
  await using one = program;
  return await reportOf(one);
}
