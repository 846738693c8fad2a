// SPDX-License-Identifier: Apache-2.0
// Counts the calls of this Worker into the native library. Nothing else that a broadcaster or subscriber does for a block can be a
// system call: the rest are accesses to memory.
import { Native } from "../../src/ffi/native.ts";

/** Calls so far, by name. */
export type Calls = Record<string, number>;

/** Counts from now on. To be called before a runtime is opened. */
export function countCalls(): Calls {
  const calls: Calls = {};
  const symbols = Native.load().symbols as unknown as Record<string, (...values: unknown[]) => unknown>;
  for (const [name, call] of Object.entries(symbols)) {
    symbols[name] = (...values) => {
      calls[name] = (calls[name] ?? 0) + 1;
      return call(...values);
    };
  }
  return calls;
}
