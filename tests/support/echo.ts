// SPDX-License-Identifier: Apache-2.0
// A second process for the tests of the tools: says where it runs, echoes its input, ends with status 7.
import process from "node:process";
import { createInterface } from "node:readline";
import { currentRuntime } from "./runtime.ts";

console.log(`${currentRuntime} ${process.argv.slice(2).join(" ")}`);
for await (const line of createInterface({ input: process.stdin })) console.log(`echo ${line}`);
process.exit(7);
