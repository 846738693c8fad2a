// SPDX-License-Identifier: Apache-2.0
// Asks the C compiler of this machine: compiles a program, runs it and returns what it printed.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectFolder } from "./runtime.ts";

/** Compiles and runs a C11 program that can include the headers of `c_shim/include`, and returns the lines it printed. */
export function runC(source: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), "qaultra-c-"));
  try {
    const program = join(folder, "program");
    writeFileSync(`${program}.c`, source);
    const options = [
      "-std=c11",
      "-Wall",
      "-Wextra",
      "-Werror",
      "-I",
      join(projectFolder, "c_shim/include"),
      "-o",
      program,
    ];
    execFileSync("cc", [...options, `${program}.c`], { stdio: ["ignore", "inherit", "inherit"] });
    return execFileSync(program, { encoding: "utf8" }).trim().split("\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}
