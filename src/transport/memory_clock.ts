// SPDX-License-Identifier: Apache-2.0

const MS_PER_HIGH_WORD = 4294;
/** 2^32 nanoseconds are so many milliseconds, and so many nanoseconds more. */
const NS_PER_HIGH_WORD = 967_296;
const NS_PER_MS = 1_000_000;
/** How often the fine clock is held against the coarse one. */
const CHECK_EVERY_MS = 1;

/**
 * The wall clock of a Worker, finer than the milliseconds of `Date`.
 *
 * The monotonic clock is fine but does not follow the system's clock when that is set or runs at another rate. So it is moved
 * whenever it has left the millisecond that `Date` shows; the Workers of a process, whose monotonic clocks begin at different
 * moments, agree by that too.
 */
export class MemoryClock {
  /** The moment at which the monotonic clock was 0, as whole milliseconds since 1970 and nanoseconds. */
  #originMs: number = Math.floor(performance.timeOrigin);
  #originNs: number = (performance.timeOrigin % 1) * NS_PER_MS;
  #nextCheckMs = 0;
  readonly #onCheck: () => void;

  /**
   * Reads both clocks.
   *
   * @param onCheck Called when the time is asked for, at most once in a millisecond.
   */
  constructor(onCheck: () => void) {
    this.#onCheck = onCheck;
  }

  /** Nanoseconds since the moment given as two words of nanoseconds since 1970; exact while they are fewer than 2^53. */
  readonly sinceNs = (low: number, high: number): number => {
    const now = performance.now();
    if (now >= this.#nextCheckMs) this.#check(now);
    // Sums of whole numbers below 2^53 first, whose difference is exact.
    const momentHigh = high >>> 0;
    const ms = this.#originMs - momentHigh * MS_PER_HIGH_WORD;
    return ms * NS_PER_MS - momentHigh * NS_PER_HIGH_WORD - (low >>> 0) + (this.#originNs + now * NS_PER_MS);
  };

  #check(before: number): void {
    const origin = this.#originMs - Date.now() + this.#originNs / NS_PER_MS;
    const after = performance.now();
    this.#nextCheckMs = after + CHECK_EVERY_MS;
    // Date was asked between the two, however long this thread was held up, and cuts fractions of a millisecond off.
    const behind = -(origin + after);
    const ahead = origin + before - 1;
    if (behind > 0) this.#originNs += behind * NS_PER_MS;
    else if (ahead > 0) this.#originNs -= ahead * NS_PER_MS;
    this.#onCheck();
  }
}
