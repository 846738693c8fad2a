// SPDX-License-Identifier: Apache-2.0
// The tools of the tests themselves: a RouDi of their own, and second processes.
import { test } from "node:test";
import { existsSync } from "node:fs";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { runScript, startProgram, startScript } from "./support/process.ts";
import { findRouDis, RouDi, stopAllRouDis } from "./support/roudi.ts";
import { currentRuntime } from "./support/runtime.ts";
import { waitFor } from "./support/wait.ts";

test("RouDi.start resolves when it takes clients, and stop leaves nothing behind", async () => {
  const roudi = await RouDi.start({ blocks: 16 });
  assert(existsSync("/tmp/roudi"));
  assert(existsSync("/dev/shm/iceoryx_mgmt"));
  assertEquals(findRouDis(), [roudi.pid]);
  await roudi.stop();
  assertEquals(findRouDis(), []);
  assert(!existsSync("/dev/shm/iceoryx_mgmt"));
});

test("RouDi.kill leaves its files, and another starts over them", async () => {
  const first = await RouDi.start({ blocks: 16 });
  await first.kill();
  assert(existsSync("/dev/shm/iceoryx_mgmt"));
  await using second = await RouDi.start({ blocks: 16 });
  await first.stop();
  assert(second.isRunning);
  assert(existsSync("/dev/shm/iceoryx_mgmt"));
});

test("RouDi.pause stops its process and resume lets it go on", async () => {
  await using roudi = await RouDi.start({ blocks: 16 });
  const state = () => startProgram("/usr/bin/cut", ["-d ", "-f3", `/proc/${roudi.pid}/stat`]);
  await roudi.pause();
  await waitFor(async () => await state().nextLine() === "T");
  roudi.resume();
  await waitFor(async () => await state().nextLine() !== "T");
});

test("RouDi.terminate ends it by its own means, and it removes its files", async () => {
  const roudi = await RouDi.start({ blocks: 16 });
  await roudi.terminate();
  assert(!existsSync("/dev/shm/iceoryx_mgmt"));
  await stopAllRouDis();
});

test("RouDi.start tells what iox-roudi said when it cannot start", async () => {
  const error = await assertRejects(() => RouDi.start({ pools: [{ size: 1001, count: 16 }] }), Error);
  assertMatch(error.message, /Cannot start iox-roudi/);
  await stopAllRouDis();
});

for (const runtime of ["deno", "bun"] as const) {
  test(`startScript runs a script in ${runtime} and hands out its lines`, async () => {
    await using echo = startScript("tests/support/echo.ts", ["hello"], { runtime });
    assertEquals(await echo.nextLine(), `${runtime} hello`);
    echo.writeLine("ping");
    assertEquals(await echo.waitForLine("ping"), "echo ping");
    echo.closeInput();
    assertEquals(await echo.exited(), { code: 7, signal: null });
  });
}

test("Process.exited tells the signal that ended a process", async () => {
  const echo = startScript("tests/support/echo.ts");
  await echo.nextLine();
  assert(echo.kill("SIGKILL"));
  assertEquals(await echo.exited(), { code: null, signal: "SIGKILL" });
  assert(!echo.kill("SIGKILL"));
});

test("Process.nextLine rejects when the process ends without another line", async () => {
  const script = await runScript("tests/support/echo.ts", ["once"]);
  assertEquals(await script.nextLine(), `${currentRuntime} once`);
  await assertRejects(() => script.nextLine(), Error, "ended without another line");
});

test("waitFor rejects with its own words at the deadline", async () => {
  await assertRejects(() => waitFor(() => false, { timeoutMs: 20, what: "never" }), Error, "in vain for never");
});
