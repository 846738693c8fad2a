// SPDX-License-Identifier: Apache-2.0
// ./x test [filter]: the C tests, then every tests/*_test.ts in Deno and in Bun, each file in a process and a namespace of
// its own. The last line is "N passed, N failed", the sum over all of them.
import { readdirSync, readFileSync } from "node:fs";
import { cTests } from "./test/ctest.ts";
import { runFile } from "./test/file.ts";
import { endCurrentRun } from "./test/run.ts";
import { printSummary, report, type Result } from "./test/result.ts";

const RUNTIMES = ["deno", "bun"] as const;

const filter = Deno.args[0] ?? "";
if (Deno.args.length > 1 || filter.startsWith("-")) {
  console.error("Usage: ./x test [filter]\n  The filter is a part of a file's path, or of the names of tests.");
  Deno.exit(2);
}

// A test that hangs must not outlive an impatient person.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.addSignalListener(signal, () => {
    endCurrentRun();
    Deno.exit(130);
  });
}

const files = readdirSync("tests").filter((name) => name.endsWith("_test.ts")).sort().map((name) => `tests/${name}`);
const wholeFiles = files.filter((file) => file.includes(filter));
/** Where no path matches, the filter means names of tests, which only the files that contain it can have. */
const filterNames = wholeFiles.length === 0;
const chosen = filterNames ? files.filter((file) => readFileSync(file, "utf8").includes(filter)) : wholeFiles;

const results: Result[] = [];
for await (const result of cTests(filter)) results.push(report(result));
for (const file of chosen) {
  for (const runtime of RUNTIMES) results.push(report(await runFile(runtime, file, filterNames ? filter : "")));
}

if (results.every((result) => result.cases.length === 0 && result.problems.length === 0)) {
  results.push(
    report({ runtime: "", file: filter, cases: [], problems: ["no test matches this filter"], output: "", seconds: 0 }),
  );
}
Deno.exit(printSummary(results) ? 0 : 1);
