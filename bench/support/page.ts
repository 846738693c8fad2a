// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { projectFolder } from "../../tests/support/runtime.ts";
import type { Result } from "../page/main.ts";

/** Where the page is written, from the project's folder. */
export const PAGE = "build/bench/index.html";

const MAIN = fileURLToPath(new URL("../page/main.ts", import.meta.url));
const STYLES = ["node_modules/uplot/dist/uPlot.min.css", "bench/page/style.css"];

/** Writes the result as a page that needs neither a network nor another file. */
export function writePage(result: Result): void {
  const path = `${projectFolder}/${PAGE}`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, pageOf(result));
}

/** The text of the page. */
export function pageOf(result: Result): string {
  const style = STYLES.map((path) => readFileSync(`${projectFolder}/${path}`, "utf8")).join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Benchmarks of @qaultra/ipc</title>
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
${script()}
</script>
</body>
</html>
`;
}

/** What draws the page, with the charting library, as one script. */
function script(): string {
  const bundle = execFileSync(
    `${projectFolder}/node_modules/.bin/bun`,
    ["build", MAIN, "--target=browser", "--format=iife", "--minify"],
    { cwd: projectFolder, encoding: "utf8" },
  );
  return bundle.replaceAll("</script", "<\\/script");
}
