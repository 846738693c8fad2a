// SPDX-License-Identifier: Apache-2.0
// Runs one test file in one runtime.
import { rmSync } from "node:fs";
import { basename } from "node:path";
import { readJunit } from "./junit.ts";
import type { Case, Result } from "./result.ts";
import { runInNamespace } from "./run.ts";

/** Bun ends a test after 5 s by default; hangs are the business of the file's own time limit. */
const BUN_TEST_TIMEOUT_MS = 3_600_000;

function command(runtime: "deno" | "bun", file: string, junit: string, filter: string): string[] {
  if (runtime === "deno") {
    const names = filter === "" ? [] : [`--filter=${filter}`];
    return [
      "deno",
      "test",
      "--allow-all",
      "--no-check",
      "--v8-flags=--expose-gc",
      `--junit-path=${junit}`,
      ...names,
      file,
    ];
  }
  const names = filter === "" ? [] : ["--test-name-pattern", filter.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")];
  const reporter = ["--reporter=junit", `--reporter-outfile=${junit}`];
  return ["bun", "test", `--timeout=${BUN_TEST_TIMEOUT_MS}`, ...reporter, ...names, `./${file}`];
}

/** Runs the file; with a filter, only the tests whose names contain it. */
export async function runFile(runtime: "deno" | "bun", file: string, filter: string): Promise<Result> {
  const name = `build/test/${basename(file, ".ts")}.${runtime}`;
  const junit = `${name}.xml`;
  rmSync(junit, { force: true });
  const run = await runInNamespace(command(runtime, file, junit, filter), `${name}.log`);
  const all = readJunit(junit);
  // Deno's filter knows the names of groups and of tests outside of groups: a name inside one is found by running all.
  if (runtime === "deno" && filter !== "" && all.length === 0 && run.status === 0) return runFile(runtime, file, "");
  const cases: Case[] = filter === "" ? all : all.filter((test) => test.outcome !== "skipped");

  const problems = [...run.problems];
  const failed = cases.some((test) => test.outcome === "failed");
  if (problems.length === 0) {
    if (cases.length === 0 && filter === "") problems.push(`ran no test (status ${run.status})`);
    else if (run.status !== 0 && !failed && cases.length > 0) {
      problems.push(`ended with status ${run.status} although no test failed`);
    }
  }
  return { runtime, file, cases, problems, output: run.output, seconds: run.seconds };
}
