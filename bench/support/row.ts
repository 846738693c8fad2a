// SPDX-License-Identifier: Apache-2.0
import type { RuntimeName } from "../../tests/support/runtime.ts";

/** One line of the result. `value` is ours, `floor` the same work done by what the bench is compared with. */
export interface Row {
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
  readonly p50?: number;
  readonly p90?: number;
  readonly p99?: number;
  readonly p999?: number;
  readonly max?: number;
  readonly floorP50?: number;
  readonly floorP99?: number;
  readonly ratioP99?: number;
}

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

const COLUMNS = ["id", "runtime", "unit", "value", "floor", "ratio", "p50", "p99", "p99/floor", "goal", "met?"];

/** The rows as a table for people. */
export function formatTable(rows: readonly Row[]): string {
  const lines = [COLUMNS, ...rows.map(cells)];
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const rightFrom = 3;
  const rightTo = 8;
  const text = lines.map((line) =>
    line.map((cell, column) =>
      column >= rightFrom && column <= rightTo ? cell.padStart(widths[column]) : cell.padEnd(widths[column])
    ).join("  ").trimEnd()
  );
  text.splice(1, 0, widths.map((width) => "-".repeat(width)).join("  "));
  const notes = rows.filter((row) => row.note !== "").map((row) => `${row.id} (${row.runtime}): ${row.note}`);
  return [...text, "", ...notes].join("\n");
}

function cells(row: Row): string[] {
  return [
    row.id,
    row.runtime,
    row.unit,
    formatNumber(row.value),
    formatNumber(row.floor),
    formatNumber(row.ratio),
    formatNumber(row.p50),
    formatNumber(row.p99),
    formatNumber(row.ratioP99),
    row.goal ?? "",
    row.met === null ? "" : row.met ? "yes" : "NO",
  ];
}

function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined) return "";
  if (Math.abs(value) >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (Math.abs(value) >= 1e3) return value.toFixed(0);
  return value.toFixed(Math.abs(value) < 100 ? 2 : 1);
}
