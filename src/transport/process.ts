// SPDX-License-Identifier: Apache-2.0
import { Native } from "../ffi/native.ts";

/**
 * Pins the calling thread to one CPU and reads the affinity back.
 *
 * @param cpu The CPU's number, from 0.
 * @throws {UnsupportedError} When the process may not run there.
 */
export function pinThread(cpu: number): void {
  const native = Native.load();
  native.check(native.symbols.qipc_thread_pin(cpu), `pin this thread to CPU ${cpu}`);
}

/** Lets another thread have this CPU. */
export function yieldThread(): void {
  Native.load().symbols.qipc_thread_yield();
}

/** A clock for ages of timestamps: CLOCK_REALTIME now minus a timestamp given as two 32-bit words, in nanoseconds. */
export function clockSinceNs(): (low: number, high: number) => number {
  return Native.load().symbols.qipc_clock_since_ns;
}

/** Disconnects this process from its stack at once, as at its end. */
export function disconnectProcess(): void {
  Native.load().symbols.qipc_process_exit();
}
