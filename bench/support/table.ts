// SPDX-License-Identifier: Apache-2.0
import { alignColumns } from "../../tests/support/columns.ts";
import type { Row } from "./row.ts";

const COLUMNS = ["id", "runtime", "unit", "value", "floor", "ratio", "p50", "p99", "p99.99", "goal", "met?"];
/** The columns of numbers, which are aligned on the right. */
const RIGHT_FROM = 3;
const RIGHT_TO = 8;

/** The rows as a table for people. A row with several floors or goals has a line for each. */
export function formatTable(rows: readonly Row[]): string {
  const lines = [COLUMNS, ...rows.flatMap(linesOf)];
  const text = alignColumns(lines, (column) => column < RIGHT_FROM || column > RIGHT_TO, { rule: true });
  return [...text, "", ...rows.flatMap(notesOf)].join("\n");
}

function linesOf(row: Row): string[][] {
  const distribution = [formatNumber(row.p50), formatNumber(row.p99), formatNumber(row.p9999)];
  const head = [row.id, row.runtime, row.unit];
  const { comparisons = [] } = row;
  if (comparisons.length === 0) {
    const figures = [formatNumber(row.value), formatNumber(row.floor), formatNumber(row.ratio)];
    return [[...head, ...figures, ...distribution, row.goal ?? "", formatMet(row.met)]];
  }
  return comparisons.map((comparison, index) => [
    ...(index === 0 ? head : ["", "", ""]),
    formatNumber(comparison.value),
    formatNumber(comparison.floor),
    formatNumber(comparison.ratio),
    ...(index === 0 ? distribution : ["", "", ""]),
    `${comparison.name} ${comparison.goal ?? ""}`.trim(),
    formatMet(comparison.met),
  ]);
}

function notesOf(row: Row): string[] {
  const figures = Object.entries(row.figures ?? {}).map(([name, value]) => `${name} ${formatNumber(value)}`);
  const note = [row.note, ...figures].filter((part) => part !== "").join("; ");
  return note === "" ? [] : [`${row.id} (${row.runtime}): ${note}`];
}

function formatMet(met: boolean | null): string {
  return met === null ? "" : met ? "yes" : "NO";
}

/** A number with about three digits that mean something. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined) return "";
  if (Math.abs(value) >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (Math.abs(value) >= 1e3) return value.toFixed(0);
  return value.toFixed(Math.abs(value) < 100 ? 2 : 1);
}
