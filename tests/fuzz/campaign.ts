// SPDX-License-Identifier: Apache-2.0
// Many episodes in processes of their own, watched from outside; the first that fails is made as small as it can be.
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import type { NativeStack } from "../support/ground.ts";
import { projectFolder, type RuntimeName, scriptCommand } from "../support/runtime.ts";
import type { Line } from "./child.ts";
import { encodeOnly } from "./episode.ts";
import { shrink } from "./shrink.ts";

/** Calls that an episode is asked for; some of them make others. */
export const EPISODE_CALLS = 2000;
/** Episodes of one process. */
const EPISODES_PER_PROCESS = 40;
/** An episode takes seconds; a step of it that is late says so after one minute. */
const HANG_MS = 300_000;
/** Failures after which it is enough. */
const FAILURES_MAX = 3;

/** How an episode failed. */
export interface Failure {
  readonly kind: "abort" | "hang" | "violation";
  readonly seed: number;
  readonly text: string;
  /** The last call of the thread that found the fault, where it is known. */
  readonly worker: number;
  readonly index: number;
}

/** What a runtime came to. */
export interface Summary {
  readonly stack: NativeStack;
  readonly runtime: RuntimeName;
  episodes: number;
  calls: number;
  readonly errors: Record<string, number>;
  readonly failures: Failure[];
  readonly began: number;
  seconds: number;
}

/** Episodes from a seed on. */
export interface Demand {
  readonly stack: NativeStack;
  readonly runtime: RuntimeName;
  readonly seed: number;
  readonly episodes: number;
  readonly only?: readonly (readonly number[])[] | undefined;
  /** Told of each line. */
  readonly onLine?: (line: Line) => void;
}

const running = new Set<ChildProcess>();

/** Ends what still plays. */
export function endProcesses(): void {
  for (const child of running) kill(child);
}

function kill(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}

/** Plays episodes in one process; resolves to how one of them failed, or to null. */
export async function playApart({ stack, runtime, seed, episodes, only, onLine }: Demand): Promise<Failure | null> {
  const command = [
    ...["tests/support/namespace.sh", ...scriptCommand(runtime, ["--allow-all"]), "tests/fuzz/child.ts"],
    ...[stack, seed, EPISODE_CALLS, episodes, ...(only === undefined ? [] : [encodeOnly(only)])].map(String),
  ];
  const child = spawn("sh", command, { cwd: projectFolder, stdio: ["ignore", "pipe", "pipe"], detached: true });
  running.add(child);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => stderr = (stderr + text).slice(-4000));
  let current = seed;
  let failure: Failure | null = null;
  let hung = false;
  const restart = (): NodeJS.Timeout =>
    setTimeout(() => {
      hung = true;
      kill(child);
    }, HANG_MS);
  let timer = restart();
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (text) => {
    clearTimeout(timer);
    timer = restart();
    if (!text.startsWith("{")) return;
    const line = JSON.parse(text) as Line;
    if ("begin" in line) current = line.begin;
    else if (line.fault !== null) failure = { kind: "violation", seed: line.end, ...line.fault };
    onLine?.(line);
  });
  const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
  clearTimeout(timer);
  running.delete(child);
  if (hung) return { kind: "hang", seed: current, text: `no word for ${HANG_MS} ms`, worker: -1, index: -1 };
  if (failure !== null || code === 0) return failure;
  return { kind: "abort", seed: current, text: `exit ${code} ${signal}: ${stderr}`, worker: -1, index: -1 };
}

/** Plays episodes until so many calls were made, and makes failures small. */
export async function campaign(
  stack: NativeStack,
  runtime: RuntimeName,
  seed: number,
  calls: number,
  only: readonly (readonly number[])[] | undefined,
  onProgress: (summary: Summary) => void,
): Promise<Summary> {
  const began = performance.now();
  const summary: Summary = { stack, runtime, episodes: 0, calls: 0, errors: {}, failures: [], began, seconds: 0 };
  const perEpisode = (): number => summary.episodes === 0 ? EPISODE_CALLS : summary.calls / summary.episodes;
  for (let next = seed; summary.calls < calls && summary.failures.length < FAILURES_MAX;) {
    const left = Math.max(1, Math.ceil((calls - summary.calls) / perEpisode()));
    const episodes = only === undefined ? Math.min(EPISODES_PER_PROCESS, left) : 1;
    const from = next;
    const failure = await playApart({
      stack,
      runtime,
      seed: from,
      episodes,
      only,
      onLine: (line) => {
        if ("begin" in line) return;
        next = line.end + 1;
        summary.episodes++;
        summary.calls += line.calls;
        for (const [code, count] of Object.entries(line.errors)) {
          summary.errors[code] = (summary.errors[code] ?? 0) + count;
        }
      },
    });
    if (failure !== null) {
      summary.failures.push(failure);
      next = failure.seed + 1;
      reportFailure(stack, runtime, failure, only);
      if (only === undefined) await shrink(stack, runtime, failure);
    }
    summary.seconds = (performance.now() - began) / 1000;
    onProgress(summary);
    if (only !== undefined) break;
  }
  return summary;
}

function reportFailure(
  stack: NativeStack,
  runtime: RuntimeName,
  { kind, seed, text }: Failure,
  only: Demand["only"],
): void {
  console.log(`\n${runtime}: ${kind} in episode ${seed}: ${text}`);
  console.log(`  again: ${replayCommand(stack, runtime, seed, only)}`);
}

/** What plays an episode, or a part of it, again. */
export function replayCommand(stack: NativeStack, runtime: RuntimeName, seed: number, only: Demand["only"]): string {
  const part = only === undefined ? "" : ` --only '${encodeOnly(only)}'`;
  return `./x fuzz api --stack ${stack} --runtime ${runtime} --seed ${seed} --calls 1${part}`;
}
