// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { test } from "node:test";

test("good", () => spawn("sleep", ["1000"], { detached: true, stdio: "ignore" }).unref());
