// SPDX-License-Identifier: Apache-2.0
// What is done to the victims of a trial.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import type { SignalName } from "../support/process.ts";
import type { How } from "./cells.ts";
import type { Peer } from "./peer.ts";

/** What a process may take beyond what it has, before it is refused more memory. */
const MEMORY_ROOM_BYTES = 64 * 1024 * 1024;
const KIBIBYTE = 1024;

/** Refuses a process more memory than it has now, but for a little. */
function limitMemory(pid: number): void {
  const [, kibibytes] = /^VmData:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))!;
  const bytes = Number(kibibytes) * KIBIBYTE + MEMORY_ROOM_BYTES;
  execFileSync("prlimit", ["--pid", String(pid), `--data=${bytes}`]);
}

/** Does it to a script. */
export function inflict(how: How, peer: Peer): void {
  switch (how) {
    case "throw":
    case "exit":
      peer.process.writeLine(how);
      break;
    case "memory":
      limitMemory(peer.process.pid);
      peer.process.writeLine("hog");
      break;
    case "removed":
    case "wiped":
      throw new Error(`${how} is nothing that a process suffers`);
    default:
      peer.process.kill(how);
  }
}

/** Sends a signal to a process that may have ended. */
export function signal(pid: number, name: SignalName): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has.
  }
}

/** Whether a process that this was done to ended as it must. */
export function endedAsMeant(how: How, { process: { exit } }: Peer): boolean {
  if (exit === null) return false;
  if (how === "throw") return exit.code === 1;
  if (how === "exit") return exit.code === 7;
  // Out of memory a runtime ends itself in the way that it likes.
  return how === "memory" ? exit.code !== 0 : exit.signal === how;
}
