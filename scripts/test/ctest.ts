// SPDX-License-Identifier: Apache-2.0
// Runs the C tests that CMake knows, each in a namespace of its own.
import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { readJunit } from "./junit.ts";
import { failures, type Result } from "./result.ts";
import { runInNamespace } from "./run.ts";

interface TestList {
  readonly tests: readonly { readonly name: string }[];
}

async function testNames(): Promise<string[]> {
  const list = await new Deno.Command("ctest", { args: ["--test-dir", "build", "--show-only=json-v1"] }).output();
  if (!list.success) throw new Error(`Cannot list the C tests: ${new TextDecoder().decode(list.stderr)}`);
  return (JSON.parse(new TextDecoder().decode(list.stdout)) as TestList).tests.map((test) => test.name);
}

async function runTest(name: string): Promise<Result> {
  const log = `build/test/${name.replace(/[^\w.-]/g, "_")}.c`;
  const junit = resolve(`${log}.xml`);
  rmSync(junit, { force: true });
  const pattern = `^${name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}$`;
  const run = await runInNamespace(
    ["ctest", "--test-dir", "build", "--output-on-failure", "--output-junit", junit, "--tests-regex", pattern],
    `${log}.log`,
  );
  const cases = readJunit(junit);
  const problems = run.problems.map((problem) => `${name}: ${problem}`);
  const failed = cases.some((test) => test.outcome !== "passed");
  if (problems.length === 0 && cases.length === 0) problems.push(`${name}: ran no test (status ${run.status})`);
  else if (problems.length === 0 && run.status !== 0 && !failed) {
    problems.push(`${name}: ended with status ${run.status} although it passed`);
  }
  return { runtime: "c", file: name, cases, problems, output: run.output, seconds: run.seconds };
}

/** One result of all tests of a program; what it shows of their output is that of the failed ones. */
function together(program: string, results: readonly Result[]): Result {
  return {
    runtime: "c",
    file: program,
    cases: results.flatMap((result) => result.cases),
    problems: results.flatMap((result) => result.problems),
    output: results.filter((result) => failures(result) > 0).map((result) => result.output).join("\n"),
    seconds: results.reduce((sum, result) => sum + result.seconds, 0),
  };
}

/** The results of the C tests whose names contain the filter: one for each program, which a name begins with. */
export async function* cTests(filter: string): AsyncGenerator<Result> {
  const names = await testNames();
  if (names.length === 0) yield { ...together("c_shim/tests", []), problems: ["CMake knows no C test"] };
  const chosen = names.filter((name) => name.includes(filter));
  const programOf = (name: string): string => name.split(".")[0]!;
  for (const program of new Set(chosen.map(programOf))) {
    const results: Result[] = [];
    for (const name of chosen.filter((name) => programOf(name) === program)) results.push(await runTest(name));
    yield together(program, results);
  }
}
