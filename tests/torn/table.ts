// SPDX-License-Identifier: Apache-2.0
import { alignColumns } from "../support/columns.ts";
import type { Row } from "./cell.ts";

const HEADS = [
  ...["reader", "mode", "writers", "bytes", "blocks read", "laps", "missed", "torn, known", "torn, taken for whole"],
  ...["stops", "M blocks/s"],
];
/** Columns of text, to the left. */
const TEXTS = 3;
const MILLION = 1e6;

/** A row, or the sum of those of several writers. */
type Line = Omit<Row, "id" | "writers" | "faults"> & { readonly writers: readonly string[] };

const number = (value: number): string => value.toLocaleString("en-US");

function cellsOf(line: Line): string[] {
  const { runtime, mode, writers, usedBytes, blocks, laps, missed, tornDetected, tornReported, stops, seconds } = line;
  // A script that copies tells no torn blocks apart: it hands out none.
  const known = mode === "stable" && runtime !== "c" ? "-" : number(tornDetected);
  return [
    ...[runtime, mode, writers.join(" + "), number(usedBytes), number(blocks), number(laps), number(missed), known],
    ...[number(tornReported), number(stops), seconds > 0 ? (blocks / seconds / MILLION).toFixed(2) : "-"],
  ];
}

/** The rows of the same reader, mode, size and count of rings in one. */
function sums(rows: readonly Row[]): Line[] {
  const groups = Map.groupBy(
    rows,
    ({ runtime, mode, writers, usedBytes }) => [runtime, mode, writers.length, usedBytes].join(),
  );
  return [...groups.values()].map((group) => {
    const sum = (of: (row: Row) => number): number => group.reduce((total, row) => total + of(row), 0);
    return {
      ...group[0]!,
      writers: group[0]!.writers.length === 1 ? ["any"] : ["any", "any"],
      blocks: sum(({ blocks }) => blocks),
      laps: sum(({ laps }) => laps),
      missed: sum(({ missed }) => missed),
      tornDetected: sum(({ tornDetected }) => tornDetected),
      tornReported: sum(({ tornReported }) => tornReported),
      stops: sum(({ stops }) => stops),
      seconds: sum(({ seconds }) => seconds),
    };
  });
}

/** The rows, and their sums over the writers, as text. */
export function formatTable(rows: readonly Row[]): string {
  const lines = [HEADS, ...rows.map(cellsOf), HEADS.map(() => ""), ...sums(rows).map(cellsOf)];
  return alignColumns(lines, (column) => column < TEXTS, { rule: false }).join("\n");
}
