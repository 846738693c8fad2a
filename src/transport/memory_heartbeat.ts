// SPDX-License-Identifier: Apache-2.0
import { clearInterval, setInterval } from "node:timers";
import { WORD_HEARTBEAT_MS } from "./memory_ring_header.ts";

/** Bounds of the time between two beats. */
const BEAT_MS_MIN = 10;
const BEAT_MS_MAX = 100;
/** Beats in the time after which a writer is taken for stale. */
const BEATS_PER_INTERVAL = 4;

/**
 * Keeps up the signs of life of the rings that this Worker writes.
 *
 * A Worker that neither comes back to its event loop, nor waits at a ring, nor asks for the time shows none.
 */
export class MemoryHeartbeat {
  /** By the header of the ring's data: the time after which its writer is stale. */
  readonly #rings = new Map<Int32Array, number>();
  readonly #clockMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  #everyMs = Infinity;

  constructor(clockMs: () => number) {
    this.#clockMs = clockMs;
  }

  /** Milliseconds between two beats; infinite without a ring. */
  get everyMs(): number {
    return this.#everyMs;
  }

  add(header: Int32Array, staleAfterMs: number): void {
    this.#rings.set(header, staleAfterMs);
    this.#restart();
  }

  remove(header: Int32Array): void {
    if (this.#rings.delete(header)) this.#restart();
  }

  beat(): void {
    const now = this.#clockMs();
    for (const header of this.#rings.keys()) Atomics.store(header, WORD_HEARTBEAT_MS, now);
  }

  #restart(): void {
    const wanted = Math.min(...this.#rings.values()) / BEATS_PER_INTERVAL;
    const everyMs = this.#rings.size === 0 ? Infinity : Math.min(Math.max(wanted, BEAT_MS_MIN), BEAT_MS_MAX);
    if (everyMs === this.#everyMs) return;
    this.#everyMs = everyMs;
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (everyMs !== Infinity) this.#timer = setInterval(() => this.beat(), everyMs).unref();
  }
}
