// SPDX-License-Identifier: Apache-2.0
/// <reference lib="dom" />
import type { Row } from "../support/row.ts";
import { formatNumber } from "../support/table.ts";
import { element } from "./element.ts";

const TEXT_COLUMNS = ["bench", "runtime", "unit"];
const NUMBER_COLUMNS = ["value", "floor", "ratio", "p50", "p99", "p99.9", "p99.99", "max"];

/** The rows as a table, those with several floors or goals with a line for each. */
export function tableOf(rows: readonly Row[]): HTMLElement {
  const head = element(
    "tr",
    "",
    ...TEXT_COLUMNS.map((name) => element("th", "", name)),
    ...NUMBER_COLUMNS.map((name) => element("th", "number", name)),
    element("th", "", "goal"),
    element("th", "", "met"),
  );
  const body = element("tbody", "", ...rows.flatMap(linesOf));
  return element("div", "scroll", element("table", "rows", element("thead", "", head), body));
}

function linesOf(row: Row): HTMLElement[] {
  const comparisons = row.comparisons ?? [{ ...row, name: "" }];
  const note = noteOf(row);
  const lines = comparisons.map(({ name, value, floor, ratio, goal, met }, index) => {
    const first = index === 0;
    const distribution = first ? [row.p50, row.p99, row.p999, row.p9999, row.max] : new Array<undefined>(5);
    return element(
      "tr",
      index + 1 < comparisons.length || note !== "" ? "more" : "",
      ...[row.id, row.runtime, row.unit].map((text) => element("td", "", first ? text : "")),
      ...[value, floor, ratio, ...distribution].map((number) => element("td", "number", formatNumber(number))),
      element("td", "", `${name} ${goal ?? ""}`.trim()),
      element("td", met === null ? "" : met ? "yes" : "no", met === null ? "" : met ? "yes" : "no"),
    );
  });
  if (note !== "") {
    const cell = element("td", "note", note);
    cell.colSpan = TEXT_COLUMNS.length + NUMBER_COLUMNS.length + 2;
    lines.push(element("tr", "", cell));
  }
  return lines;
}

function noteOf(row: Row): string {
  const figures = Object.entries(row.figures ?? {}).map(([name, value]) => `${name}: ${formatNumber(value)}`);
  return [row.note, ...figures].filter((part) => part !== "").join(" · ");
}
