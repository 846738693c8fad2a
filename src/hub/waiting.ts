// SPDX-License-Identifier: Apache-2.0
import { setImmediate } from "node:timers";
import type { Transport } from "../transport/transport.ts";
import type { WaitStrategy } from "./broadcast_config.ts";

/** What can be waited on. */
export interface Waitable {
  hasData(): boolean;
  /** Blocks the thread, asleep. */
  wait(timeoutMs: number): boolean;
  /** Calls back once in the event loop. */
  park(onReady: () => void): void;
  /** Takes a park back. */
  unpark(onReady: () => void): void;
}

/** How long `backoff` looks before it sleeps: about what a sleep and a wake-up cost. */
const BACKOFF_SPIN_MS = 0.02;
/** How long `spin` looks before it lets the event loop turn once. */
const SPIN_SLICE_MS = 0.05;
/** Looks between two readings of the clock. */
const LOOKS_PER_CLOCK = 16;

/** Looks for data without pause until the time is over. */
function spin(source: Waitable, forMs: number): boolean {
  const deadline = performance.now() + forMs;
  do {
    for (let look = 0; look < LOOKS_PER_CLOCK; look++) {
      if (source.hasData()) return true;
    }
  } while (performance.now() < deadline);
  return false;
}

/**
 * Blocks this thread until there is data or the time is over.
 *
 * @returns Whether there is data.
 */
export function waitBlocking(
  source: Waitable,
  strategy: WaitStrategy,
  transport: Transport,
  timeoutMs: number,
): boolean {
  switch (strategy) {
    case "spin":
      return spin(source, timeoutMs);
    case "yield": {
      const deadline = performance.now() + timeoutMs;
      while (!source.hasData()) {
        if (performance.now() >= deadline) return false;
        transport.yieldThread();
      }
      return true;
    }
    case "backoff":
      return spin(source, Math.min(BACKOFF_SPIN_MS, timeoutMs)) || source.wait(timeoutMs);
    case "park":
      return source.wait(timeoutMs);
  }
}

/** Slices of work after which every loop of this thread rests once. */
const SLICES_PER_REST = 16;

let slices = 0;
let rest: Promise<void> | undefined;

/** A turn of the event loop: timers get theirs. */
export function turn(): Promise<void> {
  return rest ?? new Promise((resolve) => setImmediate(resolve));
}

/**
 * The turn after a slice of work of a loop that always finds data.
 *
 * An event loop that always has something to do looks at its sockets rarely, one of the two runtimes once in 61 turns. So
 * now and then all loops rest together until the shortest timer is over, and it looks at everything.
 */
export function turnAfterSlice(): Promise<void> {
  if (rest === undefined && ++slices >= SLICES_PER_REST) {
    slices = 0;
    rest = new Promise((resolve) =>
      setTimeout(() => {
        rest = undefined;
        resolve();
      }, 0)
    );
  }
  return turn();
}

/**
 * Waits in the event loop; may return without data.
 *
 * @param onParked Told how to end a park early, and with null when it is over.
 */
export function waitInLoop(
  source: Waitable,
  strategy: WaitStrategy,
  onParked: (wake: (() => void) | null) => void,
): Promise<void> {
  if (strategy === "spin" || strategy === "yield") {
    if (strategy === "spin") spin(source, SPIN_SLICE_MS);
    return turn();
  }
  if (strategy === "backoff" && spin(source, BACKOFF_SPIN_MS)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      onParked(null);
      resolve();
    };
    onParked(() => {
      source.unpark(done);
      done();
    });
    source.park(done);
  });
}
