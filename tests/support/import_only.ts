// SPDX-License-Identifier: Apache-2.0
// Imports the module, says so, and waits for the end of its input.
import "../../mod.ts";
import process from "node:process";

console.log("imported");
for await (const _ of process.stdin);
