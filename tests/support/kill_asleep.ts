// SPDX-License-Identifier: Apache-2.0
// Killing a process over iceoryx where that harms nobody else. iceoryx has locks in shared memory, and one that a process holds when it
// is killed stays taken for ever: whoever asks for it next stands still. That is iceoryx's own, and not what a test of ours is about.
import { readdirSync, readFileSync } from "node:fs";
import type { Process } from "./process.ts";
import { delay, waitFor } from "./wait.ts";

/**
 * System calls of x86-64 that only wait: read, poll, recvfrom, restart_syscall (a wait that a signal interrupted), clock_nanosleep,
 * epoll_wait, ppoll, epoll_pwait, epoll_pwait2.
 */
const WAITS = new Set([0, 7, 45, 219, 230, 232, 271, 281, 441]);
const FUTEX = 202;
/** FUTEX_WAIT and FUTEX_WAIT_BITSET, without their flags. */
const FUTEX_WAITS = new Set([0, 9]);
const FUTEX_COMMAND = 0x7f;
/** Between two attempts. */
const CATCH_UP_MS = 20;

/** Kills a process (SIGKILL) at a moment at which all of its threads wait for time, data or each other. */
export async function killAsleep(process: Process): Promise<void> {
  let busy: string[] = [];
  try {
    await waitFor(async () => {
      process.kill("SIGSTOP");
      const threads = threadsOf(process.pid);
      await waitFor(() => threads.every((folder) => /\) T /.test(readFileSync(`${folder}/stat`, "utf8"))));
      busy = threads.filter((folder) => !isWaiting(folder)).map((folder) => readFileSync(`${folder}/syscall`, "utf8"));
      if (busy.length === 0) return true;
      process.kill("SIGCONT");
      // Who paces himself makes up for what he has missed.
      await delay(CATCH_UP_MS);
      return false;
    });
  } catch (cause) {
    throw new Error(`There is no moment at which it waits: ${busy.join("")}`, { cause });
  }
  process.kill("SIGKILL");
  await process.exited();
}

function threadsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`);
}

function isWaiting(folder: string): boolean {
  const [call, , operation] = readFileSync(`${folder}/syscall`, "utf8").split(" ").map(Number);
  return call === FUTEX ? FUTEX_WAITS.has(operation! & FUTEX_COMMAND) : WAITS.has(call!);
}
