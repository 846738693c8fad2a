// SPDX-License-Identifier: Apache-2.0
import { Native } from "../../src/ffi/native.ts";
import { benchStack } from "./stream.ts";

/**
 * A clock that two processes share, as a double in nanoseconds since a moment that the runner chose.
 *
 * `performance.now()` counts from a process's own start, and `Date.now()` has milliseconds.
 *
 * @param baseMs The moment, in milliseconds of CLOCK_REALTIME.
 */
export function sharedClock(baseMs: number): () => number {
  const baseNs = BigInt(baseMs) * 1_000_000n;
  const low = Number(baseNs & 0xffffffffn);
  const high = Number(baseNs >> 32n);
  const since = Native.load(benchStack()).symbols.qipc_clock_since_ns;
  return () => since(low, high);
}
