// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { projectFolder } from "../../tests/support/runtime.ts";

/** Machine, versions and date, in two lines. */
export function describeMachine(): string {
  const all = cpus();
  const memory = (totalmem() / 2 ** 30).toFixed(1);
  const version = (program: string): string =>
    execFileSync(`${projectFolder}/node_modules/.bin/${program}`, ["--version"], { encoding: "utf8" }).split("\n")[0];
  const iceoryx = firstLine(() => execFileSync("iox-roudi", ["--version"], { encoding: "utf8" })) ?? "iceoryx";
  return `${new Date().toISOString()}, ${all.length} x ${all[0].model.trim()}, ${memory} GiB, Linux ${release()}\n` +
    `${version("deno")}, Bun ${version("bun")}, ${iceoryx}`;
}

function firstLine(read: () => string): string | undefined {
  try {
    return read().split("\n").find((line) => line.trim() !== "")?.trim();
  } catch {
    return undefined;
  }
}
