// SPDX-License-Identifier: Apache-2.0
// The log of a writer that may be killed at any instruction: a word of a file that it has mapped, so that writing costs one store and
// the file has it whatever becomes of the writer. A double: one more than the sequence of the last block that was broadcast.
import { closeSync, existsSync, ftruncateSync, openSync, readSync } from "node:fs";
import process from "node:process";
import { currentRuntime } from "../support/runtime.ts";

const LOG_BYTES = 4096;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;

interface BunFfi {
  dlopen(path: string, table: object): { symbols: Record<string, (...values: unknown[]) => number> };
  toArrayBuffer(address: number, offset: number, bytes: number): ArrayBuffer;
}

/** Makes the file, and maps it for as long as this process lives. */
export function mapLog(path: string): Float64Array {
  const file = openSync(path, "w+");
  ftruncateSync(file, LOG_BYTES);
  const page = map(file);
  closeSync(file);
  return new Float64Array(page, 0, 1);
}

function map(file: number): ArrayBuffer {
  const args = [null, LOG_BYTES, PROT_READ_WRITE, MAP_SHARED, file, 0];
  if (currentRuntime === "bun") {
    const ffi = process.getBuiltinModule("bun:ffi" as "node:fs") as unknown as BunFfi;
    const mmap = { args: ["ptr", "u64", "i32", "i32", "i32", "i64"], returns: "ptr" };
    return ffi.toArrayBuffer(ffi.dlopen("libc.so.6", { mmap }).symbols.mmap!(...args), 0, LOG_BYTES);
  }
  const { mmap } = Deno.dlopen("libc.so.6", {
    mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
  }).symbols;
  const address = mmap(null, BigInt(LOG_BYTES), PROT_READ_WRITE, MAP_SHARED, file, 0n);
  return Deno.UnsafePointerView.getArrayBuffer(address!, LOG_BYTES);
}

/** What a log says: the blocks that a writer whose first sequence is 0 has broadcast; 0 while there is none. */
export function readLog(path: string): number {
  if (!existsSync(path)) return 0;
  const file = openSync(path, "r");
  try {
    const word = new Float64Array(1);
    return readSync(file, word, 0, 8, 0) === 8 ? word[0]! : 0;
  } finally {
    closeSync(file);
  }
}
