// SPDX-License-Identifier: Apache-2.0
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** A distribution of latencies, in nanoseconds. */
export interface LatencyNs {
  /** The shortest. */
  readonly min: number;
  /** The mean. */
  readonly mean: number;
  /** The median. */
  readonly p50: number;
  /** 99 % are at most this. */
  readonly p99: number;
  /** 99.9 % are at most this. */
  readonly p999: number;
  /** The longest. */
  readonly max: number;
}

const HIGHEST_NS = 3_600_000_000_000;

/** Records latencies and tells their distribution to three figures. */
export class LatencyHistogram {
  readonly #histogram: RecordableHistogram = createHistogram({ lowest: 1, highest: HIGHEST_NS, figures: 3 });

  /** Records one latency; a clock that stepped back counts as the shortest. */
  record(ns: number): void {
    this.#histogram.record(ns < 1 ? 1 : Math.min(Math.round(ns), HIGHEST_NS));
  }

  /** The distribution since the last reset, or undefined when nothing was recorded. */
  get summary(): LatencyNs | undefined {
    const h = this.#histogram;
    if (h.count === 0) return undefined;
    const { min, max } = h;
    // The histogram answers with the upper end of a bucket, which can lie beyond the longest.
    const within = (ns: number): number => Math.min(Math.max(ns, min), max);
    return {
      min,
      mean: within(h.mean),
      p50: within(h.percentile(50)),
      p99: within(h.percentile(99)),
      p999: within(h.percentile(99.9)),
      max,
    };
  }

  reset(): void {
    this.#histogram.reset();
  }
}
