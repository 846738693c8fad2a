// SPDX-License-Identifier: Apache-2.0
// What a run of one test file gave, and how it is printed.

/** One test. */
export interface Case {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly seconds: number;
}

/** One test file in one runtime, or one C test. */
export interface Result {
  readonly runtime: string;
  readonly file: string;
  readonly cases: readonly Case[];
  /** What is wrong apart from failed tests: a crash, a hang, a process left behind, no test at all. Each counts as one failure. */
  readonly problems: readonly string[];
  /** Everything it printed. */
  readonly output: string;
  readonly seconds: number;
}

const SLOWEST_SHOWN = 10;

function count(result: Result, outcome: Case["outcome"]): number {
  return result.cases.filter((test) => test.outcome === outcome).length;
}

/** A test that is left out is a test that cannot fail, so it counts as failed. */
export function failures(result: Result): number {
  return count(result, "failed") + count(result, "skipped") + result.problems.length;
}

/** Prints the line of one result, and everything about it when it failed. */
export function report(result: Result): Result {
  const failed = failures(result);
  const counts = `${count(result, "passed")} passed${failed === 0 ? "" : `, ${failed} FAILED`}`;
  console.log(
    `${result.runtime.padEnd(5)} ${result.file.padEnd(40)} ${counts.padEnd(24)} ${result.seconds.toFixed(1)} s`,
  );
  if (failed === 0) return result;
  console.log(result.output.replace(/^/gm, "    "));
  for (const test of result.cases) {
    if (test.outcome !== "passed") console.log(`    ${test.outcome.toUpperCase()}: ${test.name}`);
  }
  for (const problem of result.problems) console.log(`    PROBLEM: ${problem}`);
  return result;
}

/** Prints the slowest tests, what failed, and the sums as the last line. Returns whether all is well. */
export function printSummary(results: readonly Result[]): boolean {
  const tests = results.flatMap((result) =>
    result.cases.map((test) => ({ ...test, where: `${result.runtime} ${result.file}` }))
  );
  const slowest = tests.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST_SHOWN);
  console.log(`\nThe ${slowest.length} slowest tests`);
  for (const test of slowest) console.log(`  ${test.seconds.toFixed(2).padStart(7)} s  ${test.where}: ${test.name}`);

  const broken = results.filter((result) => failures(result) > 0);
  if (broken.length > 0) console.log("\nFailed");
  for (const result of broken) {
    const names = result.cases.filter((test) => test.outcome !== "passed").map((test) =>
      `${test.outcome}: ${test.name}`
    );
    for (const words of [...names, ...result.problems]) console.log(`  ${result.runtime} ${result.file}: ${words}`);
  }
  const passed = results.reduce((sum, result) => sum + count(result, "passed"), 0);
  const failed = results.reduce((sum, result) => sum + failures(result), 0);
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0;
}
