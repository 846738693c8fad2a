// SPDX-License-Identifier: Apache-2.0
// The test runner itself: what is wrong in a file must be counted, in both runtimes.
import { readdirSync, rmSync } from "node:fs";
import { describe, test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { runFile } from "../scripts/test/file.ts";
import { failures } from "../scripts/test/result.ts";

for (const runtime of ["deno", "bun"] as const) {
  const run = (name: string, filter = "") => runFile(runtime, `tests/runner/${name}.ts`, filter);

  describe(`runFile in ${runtime}`, () => {
    test("counts tests and not groups", async () => {
      const result = await run("passes");
      assertEquals(result.cases.map((one) => one.outcome), ["passed", "passed", "passed"]);
      assert(result.cases.some((one) => one.name.endsWith("first & <second>")));
      assertEquals(failures(result), 0);
    });

    test("counts a failed test, and its group not again", async () => {
      const result = await run("fails");
      assertEquals(result.cases.filter((one) => one.outcome === "failed").length, 1);
      assertEquals(failures(result), 1);
      assertMatch(result.output, /on purpose/);
    });

    test("counts a skipped test as a failure", async () => {
      assertEquals(failures(await run("skips")), 1);
    });

    test("counts a file without a test as a failure", async () => {
      const result = await run("empty");
      assertEquals(failures(result), 1);
      assertMatch(result.problems[0]!, /ran no test/);
    });

    test("counts a crash as a failure and names the signal", async () => {
      const result = await run("crashes");
      assert(failures(result) >= 1);
      assertMatch(result.problems[0]!, /SIGABRT/);
    });

    test("counts a file left in /dev/shm as a failure and names it", async () => {
      const result = await run("leaves_file");
      assertEquals(failures(result), 1);
      assertMatch(result.output, /left in \/dev\/shm: left-behind-\d+/);
      // Without a namespace it is the machine's own folder.
      for (const name of readdirSync("/dev/shm")) if (name.startsWith("left-behind-")) rmSync(`/dev/shm/${name}`);
    });

    test("counts a process left behind as a failure, names it and ends it", async () => {
      const result = await run("leaves_process");
      assertEquals(failures(result), 1);
      assertMatch(result.output, /still running: \d+ .*sleep 1000/);
    });

    test("runs only the tests whose names contain the filter", async () => {
      const result = await run("fails", "good");
      assertEquals(result.cases.map((one) => one.outcome), ["passed"]);
      assertEquals(failures(result), 0);
    });
  });
}
