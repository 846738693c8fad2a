// SPDX-License-Identifier: Apache-2.0
/// <reference lib="dom" />
//
// The page of `./x bench`, in the browser: it draws the result that `bench/support/page.ts` wrote into it.
import type { Row } from "../support/row.ts";
import { element } from "./element.ts";
import { sectionsOf, showChart } from "./sections.ts";
import { tableOf } from "./table.ts";

/** What one run of the benches gave. */
export interface Result {
  /** Date, machine and versions, in lines. */
  readonly machine: string;
  /** Whether it was a short run, which gives hints. */
  readonly quick: boolean;
  readonly rows: readonly Row[];
}

function badges({ quick, rows }: Result): HTMLElement {
  const asked = rows.filter(({ met }) => met !== null);
  const met = asked.filter((row) => row.met).length;
  const list = element("ul", "badges", element("li", "", `${met} of ${asked.length} goals met`));
  list.append(element("li", "", `${rows.length} rows`));
  if (quick) list.append(element("li", "warning", "A quick run: hints, not results"));
  return list;
}

function show(result: Result, page: HTMLElement): void {
  page.append(
    element("h1", "", "Benchmarks of @qaultra/ipc"),
    element("div", "machine", result.machine),
    badges(result),
  );
  for (const { title, text, rows, charts, summary } of sectionsOf(result.rows)) {
    page.append(element("h2", "", title), element("p", "quiet", text));
    if (charts.length > 0) page.append(element("div", "charts", ...charts.map(showChart)));
    if (summary) page.append(summary);
    if (rows.length > 0) page.append(tableOf(rows));
    else if (charts.length === 0) page.append(element("p", "empty", "Not measured in this run."));
  }
  page.append(
    element(
      "footer",
      "",
      "Ratio: ours divided by the floor. What each bench does and what the goals are is in docs/performance.md. " +
        "The result is in this page as JSON, in the element with the id “result”.",
    ),
  );
}

show(JSON.parse(document.getElementById("result")!.textContent!) as Result, document.getElementById("page")!);
