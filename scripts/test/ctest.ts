// SPDX-License-Identifier: Apache-2.0
// Runs the C tests that CMake knows, each in a namespace of its own.
import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { readJunit } from "./junit.ts";
import type { Result } from "./result.ts";
import { runInNamespace } from "./run.ts";

interface TestList {
  readonly tests: readonly { readonly name: string }[];
}

async function testNames(): Promise<string[]> {
  const list = await new Deno.Command("ctest", { args: ["--test-dir", "build", "--show-only=json-v1"] }).output();
  if (!list.success) throw new Error(`Cannot list the C tests: ${new TextDecoder().decode(list.stderr)}`);
  return (JSON.parse(new TextDecoder().decode(list.stdout)) as TestList).tests.map((test) => test.name);
}

/** The results of the C tests whose names contain the filter, one after the other. */
export async function* cTests(filter: string): AsyncGenerator<Result> {
  const names = await testNames();
  if (names.length === 0) {
    const problems = ["CMake knows no C test"];
    yield { runtime: "c", file: "c_shim/tests", cases: [], problems, output: "", seconds: 0 };
  }
  for (const name of names.filter((name) => name.includes(filter))) {
    const log = `build/test/${name.replace(/[^\w.-]/g, "_")}.c`;
    const junit = resolve(`${log}.xml`);
    rmSync(junit, { force: true });
    const pattern = `^${name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}$`;
    const run = await runInNamespace(
      ["ctest", "--test-dir", "build", "--output-on-failure", "--output-junit", junit, "--tests-regex", pattern],
      `${log}.log`,
    );
    const cases = readJunit(junit);
    const problems = [...run.problems];
    const failed = cases.some((test) => test.outcome !== "passed");
    if (problems.length === 0 && cases.length === 0) problems.push(`ran no test (status ${run.status})`);
    else if (problems.length === 0 && run.status !== 0 && !failed) problems.push(`ended with status ${run.status}`);
    yield { runtime: "c", file: name, cases, problems, output: run.output, seconds: run.seconds };
  }
}
