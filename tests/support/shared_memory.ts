// SPDX-License-Identifier: Apache-2.0
// This test's own /dev/shm: its size, and what is free of it.
import { execFileSync } from "node:child_process";
import { readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import process from "node:process";
import { assert } from "@std/assert";

const FOLDER = "/dev/shm";
/** What a test puts there to take room. */
export const FILLER = `${FOLDER}/filler`;

/** Makes it this large; undone by `resetSharedMemory`. */
export function resizeSharedMemory(size: string): void {
  assert(
    process.env.QIPC_NAMESPACE !== "none",
    "the machine's own /dev/shm is not to be made smaller: use a namespace",
  );
  // In a plain user's namespace the options that the mount has already would be refused.
  execFileSync("mount", ["--no-mtab", "--options-mode", "ignore", "-o", `remount,size=${size}`, FOLDER]);
}

/** Bytes that can still be taken. */
export function freeBytes(): number {
  const { bavail, bsize } = statfsSync(FOLDER);
  return bavail * bsize;
}

/** Makes it so small that so many bytes are free: whole pages. */
export function leaveFree(bytes: number): void {
  // A size of 0 would be none at all.
  if (readdirSync(FOLDER).length === 0) writeFileSync(FILLER, new Uint8Array(1));
  const { blocks, bfree, bsize } = statfsSync(FOLDER);
  resizeSharedMemory(String((blocks - bfree) * bsize + bytes));
}

/** The size that it had, and nothing in it that only took room. */
export function resetSharedMemory(): void {
  rmSync(FILLER, { force: true });
  resizeSharedMemory(process.env.QIPC_SHM_SIZE ?? "2g");
}

/** The names of the files there, but for what only takes room. */
export function sharedFiles(): string[] {
  return readdirSync(FOLDER).filter((name) => `${FOLDER}/${name}` !== FILLER).sort();
}
