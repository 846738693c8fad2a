// SPDX-License-Identifier: Apache-2.0
// Whether something grows, told from samples that go up and down.

/** A value at a time in milliseconds. */
export interface Point {
  readonly ms: number;
  readonly value: number;
}

/** A line through points. */
export interface Slope {
  readonly perHour: number;
  /** Its standard error. */
  readonly error: number;
}

const MS_PER_HOUR = 3_600_000;

/** The line of least squares. Null of fewer than three points. */
export function slopeOf(points: readonly Point[]): Slope | null {
  const count = points.length;
  if (count < 3) return null;
  const meanMs = points.reduce((sum, { ms }) => sum + ms, 0) / count;
  const mean = points.reduce((sum, { value }) => sum + value, 0) / count;
  let squares = 0;
  let products = 0;
  for (const { ms, value } of points) {
    squares += (ms - meanMs) ** 2;
    products += (ms - meanMs) * (value - mean);
  }
  const slope = products / squares;
  const rest = points.reduce((sum, { ms, value }) => sum + (value - mean - slope * (ms - meanMs)) ** 2, 0);
  return { perHour: slope * MS_PER_HOUR, error: Math.sqrt(rest / (count - 2) / squares) * MS_PER_HOUR };
}

/** The lowest point of each run of `count`: what collectors leave for a while is no growth. The rest at the end is left out. */
export function lowestOf(points: readonly Point[], count: number): Point[] {
  const lowest: Point[] = [];
  for (let at = 0; at + count <= points.length; at += count) {
    lowest.push(points.slice(at, at + count).reduce((low, point) => point.value < low.value ? point : low));
  }
  return lowest;
}

/** By how much the lowest value of the last third is above that of the first: what leaks never comes down again. */
export function riseOf(values: readonly number[]): number {
  const third = Math.ceil(values.length / 3);
  if (third === 0) return 0;
  return Math.min(...values.slice(-third)) - Math.min(...values.slice(0, third));
}
