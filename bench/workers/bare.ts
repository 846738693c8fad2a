// SPDX-License-Identifier: Apache-2.0
//
// `open`: what a script costs that does nothing. It ends with its stdin.
import process from "node:process";

process.stdin.on("end", () => {}).resume();
process.stdout.write("ready\n");
