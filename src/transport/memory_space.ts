// SPDX-License-Identifier: Apache-2.0

/** Pages that belong to somebody. */
export interface Extent {
  readonly first: number;
  readonly pages: number;
}

/** The outcome of a search: the first page found or, when `first` is negative, nothing; and the largest piece that is free. */
export interface Gap {
  readonly first: number;
  readonly largest: number;
}

/**
 * Finds the first free piece of a space that is large enough.
 *
 * What is free is nothing but what no extent covers: there is no list of it that a Worker, terminated in the middle, could leave
 * broken, and neighbours that are freed are one piece by themselves.
 *
 * @param extents What is taken, in any order; they do not overlap.
 * @param pages How many are wanted, at least 1.
 * @param start The first page of the space.
 * @param end The page behind its last.
 */
export function findGap(extents: readonly Extent[], pages: number, start: number, end: number): Gap {
  const sorted = [...extents].sort((a, b) => a.first - b.first);
  let largest = 0;
  let first = -1;
  let at = start;
  for (const extent of [...sorted, { first: end, pages: 0 }]) {
    const free = extent.first - at;
    if (first < 0 && free >= pages) first = at;
    largest = Math.max(largest, free);
    at = Math.max(at, extent.first + extent.pages);
  }
  return { first, largest };
}
