// SPDX-License-Identifier: Apache-2.0
import { test } from "node:test";
import process from "node:process";

test("good", () => {});
test("ends the process", async () => {
  process.kill(process.pid, "SIGABRT");
  await new Promise(() => {});
});
