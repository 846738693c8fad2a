// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { projectFolder } from "../../tests/support/runtime.ts";
import type { Result } from "../page/main.ts";

/** Where the page of the benches is written, from the project's folder. */
export const PAGE = "build/bench/index.html";

const STYLES = ["node_modules/uplot/dist/uPlot.min.css", "bench/page/style.css"];

/** A page that draws a result. */
export interface Page {
  readonly title: string;
  /** The script that draws it, from the project's folder. */
  readonly main: string;
  readonly result: unknown;
}

/** The page of the benches. */
export function benchPage(result: Result): Page {
  return { title: "Benchmarks of @qaultra/ipc", main: "bench/page/main.ts", result };
}

/** Writes a page that needs neither a network nor another file. */
export function writePage(path: string, page: Page): void {
  const file = `${projectFolder}/${path}`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, pageOf(page));
}

/** The text of a page. */
export function pageOf({ title, main, result }: Page): string {
  const style = STYLES.map((path) => readFileSync(`${projectFolder}/${path}`, "utf8")).join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>
${style}
</style>
</head>
<body>
<main id="page"></main>
<script type="application/json" id="result">
${JSON.stringify(result, null, 1).replaceAll("<", "\\u003c")}
</script>
<script>
${scriptOf(main)}
</script>
</body>
</html>
`;
}

/** What draws the page, with the charting library, as one script. */
function scriptOf(main: string): string {
  const bundle = execFileSync(
    `${projectFolder}/node_modules/.bin/bun`,
    ["build", `${projectFolder}/${main}`, "--target=browser", "--format=iife", "--minify"],
    { cwd: projectFolder, encoding: "utf8" },
  );
  return bundle.replaceAll("</script", "<\\/script");
}
