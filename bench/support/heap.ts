// SPDX-License-Identifier: Apache-2.0
import process from "node:process";

/** Reads how much this process has allocated on its JavaScript heap, and collects garbage. */
export interface HeapMeter {
  /** Bytes allocated so far; only differences mean something, and only while nothing is collected. */
  read(): number;
  /** Collects all garbage. */
  collect(): void;
}

/**
 * The meter of this runtime.
 *
 * A collection between two readings would hide what was allocated. So Deno runs with a young generation of 512 MiB, which
 * is not collected before it is full, and Bun with its collector switched off (`heapMeterFlags`).
 */
export async function openHeapMeter(): Promise<HeapMeter> {
  if (process.versions.bun !== undefined) {
    // Without a collector the capacity grows with every 16 KiB that are handed out.
    const { heapStats } = await import("bun:jsc");
    return { read: () => heapStats().heapCapacity, collect: () => {} };
  }
  const { getHeapStatistics } = await import("node:v8");
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) throw new Error("Cannot measure the heap: Deno was started without --expose-gc");
  return { read: () => getHeapStatistics().used_heap_size, collect };
}

/** What the runtimes must be started with for `openHeapMeter`. */
export const heapMeterFlags: { readonly deno: readonly string[]; readonly bun: Readonly<Record<string, string>> } = {
  deno: ["--v8-flags=--expose-gc,--min-semi-space-size=512,--max-semi-space-size=512"],
  bun: { BUN_JSC_useGC: "0" },
};
