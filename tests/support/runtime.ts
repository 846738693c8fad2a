// SPDX-License-Identifier: Apache-2.0
// Which runtime a test runs in, and how to start each of the two.
import process from "node:process";
import { fileURLToPath } from "node:url";

/** A runtime that this module runs in. */
export type RuntimeName = "deno" | "bun";

interface Globals {
  readonly Bun?: { gc(force: boolean): void };
  readonly gc?: () => void;
}
const globals = globalThis as Globals;

/** The runtime that runs this test. */
export const currentRuntime: RuntimeName = globals.Bun === undefined ? "deno" : "bun";

/** The project's folder, without a slash at the end. */
export const projectFolder: string = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** The command and first arguments that start a script in a runtime; `permissions` are Deno's flags. */
export function scriptCommand(runtime: RuntimeName, permissions: readonly string[]): readonly string[] {
  const program = runtime === currentRuntime ? process.execPath : `${projectFolder}/node_modules/.bin/${runtime}`;
  return runtime === "deno"
    ? [program, "run", "--quiet", "--no-check", "--no-prompt", "--v8-flags=--expose-gc", ...permissions]
    : [program, "run", "--no-install"];
}

/** Collects garbage now, fully. The tests run with what each runtime needs for it. */
export function collectGarbage(): void {
  const collect = globals.Bun === undefined ? globals.gc : () => globals.Bun!.gc(true);
  if (collect === undefined) throw new Error("Cannot collect garbage: Deno was started without --v8-flags=--expose-gc");
  collect();
}
