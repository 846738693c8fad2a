// SPDX-License-Identifier: Apache-2.0
import type { RuntimeName } from "../../tests/support/runtime.ts";
import { PERCENTILE_NAMES, type Percentiles } from "./histogram.ts";

/** One figure of ours beside one that it is measured by. */
export interface Comparison {
  /** What is compared, in words: "p50, C iceoryx". */
  readonly name: string;
  readonly value: number;
  readonly floor: number;
  /** `value` divided by `floor`. */
  readonly ratio: number;
  /** What the ratio should be, in words, and whether it is; null where nothing is asked. */
  readonly goal: string | null;
  readonly met: boolean | null;
}

/** One line of the result. `value` is ours, `floor` the same work done by what the bench is compared with. */
export interface Row extends Partial<Percentiles> {
  readonly id: string;
  readonly runtime: RuntimeName;
  readonly unit: string;
  readonly value: number;
  readonly floor: number | null;
  readonly ratio: number | null;
  /** Measurements behind `value`: round trips, blocks, passes. */
  readonly samples: number;
  readonly note: string;
  /** What it should reach, in words, and whether it does; null where nothing is asked. */
  readonly goal: string | null;
  readonly met: boolean | null;
  readonly floorP50?: number;
  readonly floorP99?: number;
  readonly ratioP99?: number;
  /** Where there is more than one floor or goal: all of them. The first one is also `floor` and `ratio`. */
  readonly comparisons?: readonly Comparison[];
  /** Further figures by name; the unit stands in the name where it is not the row's. */
  readonly figures?: Readonly<Record<string, number>>;
  /** Distributions of the floors by name, in the unit of the row. */
  readonly curves?: Readonly<Record<string, Percentiles>>;
}

/** What a ratio should be. */
export type Goal = { readonly atMost: number } | { readonly atLeast: number };

/** The middle one of some values; of an even number of them the lower of the two. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("There is no median of no values");
  return [...values].sort((a, b) => a - b)[(values.length - 1) >> 1];
}

/** The median of each number field over repeated measurements. */
export function medians<Key extends string>(
  results: readonly Readonly<Record<string, number>>[],
  keys: readonly Key[],
): Record<Key, number> {
  return Object.fromEntries(keys.map((key) => [key, median(results.map((result) => result[key]))])) as Record<
    Key,
    number
  >;
}

/** The median of each percentile over repeated measurements, multiplied by `factor`. */
export function medianPercentiles(results: readonly Readonly<Record<string, number>>[], factor: number): Percentiles {
  const all = medians(results, PERCENTILE_NAMES);
  return Object.fromEntries(PERCENTILE_NAMES.map((name) => [name, all[name] * factor])) as unknown as Percentiles;
}

/** Sets one figure beside another. */
export function compare(name: string, value: number, floor: number, goal: Goal | null = null): Comparison {
  const ratio = value / floor;
  if (goal === null) return { name, value, floor, ratio, goal: null, met: null };
  return "atMost" in goal
    ? { name, value, floor, ratio, goal: `<= ${goal.atMost}x`, met: ratio <= goal.atMost }
    : { name, value, floor, ratio, goal: `>= ${goal.atLeast}x`, met: ratio >= goal.atLeast };
}

/** The fields of a row that follow from its comparisons: the first one is the main one, and all goals have to be met. */
export function fromComparisons(
  comparisons: readonly Comparison[],
): Pick<Row, "floor" | "ratio" | "goal" | "met" | "comparisons"> {
  const asked = comparisons.filter((comparison) => comparison.goal !== null);
  return {
    floor: comparisons[0].floor,
    ratio: comparisons[0].ratio,
    goal: asked.length === 0 ? null : asked.map(({ name, goal }) => `${name} ${goal}`).join("; "),
    met: asked.length === 0 ? null : asked.every((comparison) => comparison.met),
    comparisons,
  };
}
