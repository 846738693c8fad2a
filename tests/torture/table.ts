// SPDX-License-Identifier: Apache-2.0
import { alignColumns } from "../support/columns.ts";
import type { CellResult } from "./cell.ts";

const HEADINGS = [
  "cell",
  "lane",
  "runtime",
  "trials",
  "freezes",
  "aborts",
  "uncounted",
  "broken",
  "left",
  "resume p50",
  "max ms",
  "late",
  "raw iceoryx: trials",
  "freezes",
  "aborts",
  "uncounted",
];
/** The columns before the numbers. */
const TEXTS = 3;
const RAW_COLUMNS = 4;
const PROBLEM_LENGTH_MAX = 600;

/** The results as a table for people: what raw iceoryx does in the same cell stands beside ours. */
export function formatTable(results: readonly CellResult[]): string {
  const raw = new Map(results.filter(({ lane }) => lane === "raw").map((result) => [result.cell, result]));
  // It is no measure for another stack.
  const rawOf = ({ cell, lane }: CellResult) => lane.endsWith("+iceoryx2") ? undefined : raw.get(cell);
  const ours = results.filter((result) => result.lane !== "raw" || results.every(({ lane }) => lane === "raw"));
  const lines = [HEADINGS, ...ours.map((result) => [...cellsOf(result), ...rawCellsOf(rawOf(result))])];
  const text = alignColumns(lines, (column) => column < TEXTS, { rule: true });
  return [...text, ...results.flatMap(problemsOf)].join("\n");
}

function cellsOf(result: CellResult): string[] {
  const { cell, lane, runtime, trials, freezes, aborts, uncounted, broken, left, late } = result;
  const times = [result.resume_ms_p50, result.resume_ms_max].map((ms) => ms === null ? "" : String(ms));
  return [
    cell,
    lane,
    runtime,
    ...[trials, freezes, aborts, uncounted, broken, left.length].map(String),
    ...times,
    `${late}`,
  ];
}

function rawCellsOf(raw: CellResult | undefined): string[] {
  if (raw === undefined) return Array(RAW_COLUMNS).fill("");
  return [raw.trials, raw.freezes, raw.aborts, raw.uncounted].map(String);
}

function problemsOf({ cell, lane, runtime, left, problems }: CellResult): string[] {
  const all = [...left.map((what) => `left: ${what}`), ...problems];
  if (all.length === 0) return [];
  return ["", `${cell} ${lane} ${runtime}:`, ...all.map((problem) => `  ${problem.slice(0, PROBLEM_LENGTH_MAX)}`)];
}

/** A cell in a line, for the progress. */
export function formatLine({ cell, lane, runtime, trials, freezes, aborts, uncounted, ...rest }: CellResult): string {
  const { broken, left, resume_ms_p50: p50, resume_ms_max: max, seconds } = rest;
  return `${cell} ${lane} ${runtime}: ${trials} trials, ${freezes} freezes, ${aborts} aborts, ${uncounted} uncounted, ` +
    `${broken} broken, ${left.length} left, resumed after ${p50 ?? "-"} ms (max ${max ?? "-"}), ${
      seconds.toFixed(0)
    } s`;
}
