// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import process from "node:process";

test("good", () => writeFileSync(`/dev/shm/left-behind-${process.pid}`, "on purpose"));
