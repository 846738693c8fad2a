// SPDX-License-Identifier: Apache-2.0
/// <reference lib="dom" />
import type { Row } from "../support/row.ts";
import { formatNumber } from "../support/table.ts";
import { element } from "./element.ts";

/** What the id of a bench on the stack iceoryx2 begins with; the rest is the id of the same on iceoryx. */
export const ICEORYX2_PREFIX = "iox2-";
const COLUMNS = ["iceoryx", "its floor", "ratio", "iceoryx2", "its floor", "ratio"];

/** The benches that were measured on both stacks, with a column for each of them; null when there are none. */
export function stacksTable(rows: readonly Row[]): HTMLElement | null {
  const lines = rows.filter(({ id }) => id.startsWith(ICEORYX2_PREFIX)).map((row) => {
    const id = row.id.slice(ICEORYX2_PREFIX.length);
    const other = rows.find((candidate) => candidate.id === id && candidate.runtime === row.runtime);
    const numbers = [other, row].flatMap((one) => [one?.value, one?.floor, one?.ratio]);
    return element(
      "tr",
      "",
      ...[id, row.runtime, row.unit].map((text) => element("td", "", text)),
      ...numbers.map((number) => element("td", "number", formatNumber(number))),
    );
  });
  if (lines.length === 0) return null;
  const head = element(
    "tr",
    "",
    ...["bench", "runtime", "unit"].map((name) => element("th", "", name)),
    ...COLUMNS.map((name) => element("th", "number", name)),
  );
  const table = element("table", "rows", element("thead", "", head), element("tbody", "", ...lines));
  return element("div", "scroll", table);
}
