// SPDX-License-Identifier: Apache-2.0
// Runs one command in a namespace of its own and tells what happened to it.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";

/** Far more than any file needs, so that reaching it means a hang. */
const TIMEOUT_S = 600;
/** The status by which namespace.sh says that something was left behind. */
const LEFT_BEHIND = 97;
/** A shell reports a process that was ended by signal N as this plus N. */
const SIGNAL_BASE = 128;
const SIGNALS: Readonly<Record<number, string>> = {
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  15: "SIGTERM",
};

/** How a command ended. */
export interface Run {
  readonly status: number;
  readonly output: string;
  readonly seconds: number;
  /** A crash, a hang or something left behind: what a test framework inside cannot tell. */
  readonly problems: readonly string[];
}

let current: ChildProcess | null = null;

/** Ends the command that runs now, with everything that it started. */
export function endCurrentRun(): void {
  if (current?.pid === undefined) return;
  try {
    process.kill(-current.pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}

/** Runs a command. Its output goes to the log file, so that a process that outlives it cannot hold a pipe open. */
export async function runInNamespace(command: readonly string[], log: string): Promise<Run> {
  mkdirSync(dirname(log), { recursive: true });
  const file = openSync(log, "w");
  const started = performance.now();
  let timedOut = false;
  const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    // A process group of its own, so that all of it can be ended where there is no process namespace.
    current = spawn("sh", ["tests/support/namespace.sh", ...command], {
      stdio: ["ignore", file, file],
      detached: true,
      env: { ...process.env, NO_COLOR: "1" },
    });
    const timer = setTimeout(() => {
      timedOut = true;
      endCurrentRun();
    }, TIMEOUT_S * 1000);
    current.on("error", reject);
    current.on("exit", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal });
    });
  });
  current = null;
  closeSync(file);

  const status = code ?? SIGNAL_BASE;
  const problems: string[] = [];
  if (timedOut) problems.push(`did not end within ${TIMEOUT_S} s and was killed`);
  else if (signal !== null) problems.push(`its namespace was ended by ${signal}`);
  else if (status === LEFT_BEHIND) problems.push("left a process or a file in /dev/shm behind");
  else if (status > SIGNAL_BASE) {
    const number = status - SIGNAL_BASE;
    problems.push(`crashed: ended by ${SIGNALS[number] ?? `signal ${number}`}`);
  }
  return { status, output: readFileSync(log, "utf8"), seconds: (performance.now() - started) / 1000, problems };
}
