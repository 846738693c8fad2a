// SPDX-License-Identifier: Apache-2.0
// The command script at the top.
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { startProgram, startScript } from "./support/process.ts";
import { projectFolder } from "./support/runtime.ts";

async function x(...args: string[]) {
  const command = startProgram("x", args);
  const exit = await command.exited();
  return { code: exit.code, stdout: command.lines.join("\n"), stderr: command.stderr };
}

test("./x alone lists every command", async () => {
  const { code, stdout } = await x();
  assertEquals(code, 0);
  for (const command of ["setup", "demo", "test", "check", "bench", "soak", "torture"]) {
    assertMatch(stdout, new RegExp(`^  ${command} `, "m"));
  }
});

test("./x refuses an unknown command with status 2 and names it", async () => {
  const { code, stderr } = await x("tset");
  assertEquals(code, 2);
  assertMatch(stderr, /no command "tset"/);
});

test("deno.json has a task for every command, and each calls ./x", async () => {
  const { tasks } = JSON.parse(readFileSync(`${projectFolder}/deno.json`, "utf8")) as { tasks: Record<string, string> };
  const { stdout } = await x("help");
  const commands = [...stdout.matchAll(/^ {2}(\w+) /gm)].map((match) => match[1]!);
  assertEquals(Object.keys(tasks).sort(), commands.sort());
  for (const [name, task] of Object.entries(tasks)) assertEquals(task, `./x ${name}`);
});

test("./x test refuses a second filter with status 2", async () => {
  const runner = startScript("scripts/test.ts", ["one", "two"], { runtime: "deno" });
  assertEquals((await runner.exited()).code, 2);
  assert(runner.stderr.includes("Usage: ./x test [filter]"));
});
