// SPDX-License-Identifier: Apache-2.0

/** A stretch of a cycle: its part of it, and the rate at its beginning and end. */
type Phase = readonly [part: number, from: number, to: number];

const BURSTS = 5;
/** Relative rates: steady, a ramp up, a pause, bursts, a ramp down, a trickle. */
const PHASES: readonly Phase[] = [
  [0.25, 1, 1],
  [0.2, 0.2, 2],
  [0.05, 0, 0],
  ...Array.from({ length: BURSTS }, (): Phase[] => [[0.01, 6, 6], [0.04, 0.3, 0.3]]).flat(),
  [0.15, 2, 0.2],
  [0.1, 0.1, 0.1],
];
/** When the flood comes, as a part of the cycle: in the trickle, so that nothing else is late. */
const FLOOD_AT = 0.95;

/** What comes in a whole cycle at the relative rates. */
const CYCLE_SUM = sumUntil(1);

/** What comes until a part of the cycle: the area under the rates. */
function sumUntil(part: number): number {
  let begin = 0;
  let sum = 0;
  for (const [width, from, to] of PHASES) {
    const inside = Math.min(width, Math.max(0, part - begin));
    sum += from * inside + (to - from) * inside * inside / (2 * width);
    begin += width;
  }
  return sum;
}

/** How much is due by a time, at a rate that changes in cycles around its mean. */
export class Load {
  readonly #perSecond: number;
  readonly #cycleMs: number;

  /**
   * @param perSecond The mean rate.
   * @param cycleMs The length of a cycle.
   */
  constructor(perSecond: number, cycleMs: number) {
    this.#perSecond = perSecond;
    this.#cycleMs = cycleMs;
  }

  /** Blocks due after `ms` at the mean rate. */
  steady(ms: number): number {
    return this.#perSecond * ms / 1000;
  }

  /** Blocks due after `ms` at the rate that changes. */
  changing(ms: number): number {
    const cycles = ms / this.#cycleMs;
    const whole = Math.floor(cycles);
    return this.steady(this.#cycleMs) * (whole + sumUntil(cycles - whole) / CYCLE_SUM);
  }

  /** Floods due after `ms`. */
  floods(ms: number): number {
    return Math.floor(ms / this.#cycleMs + 1 - FLOOD_AT);
  }
}
