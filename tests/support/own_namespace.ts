// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { projectFolder } from "./runtime.ts";

const INSIDE = "QAULTRA_INSIDE";

/**
 * Goes on only in a namespace of its own, where no other run meets the RouDi of this one: starts the script there again with the same
 * arguments, and ends as that ends.
 *
 * @param script The `import.meta.url` of the script, which Deno runs.
 */
export function enterOwnNamespace(script: string): void {
  if (process.env[INSIDE] === script) return;
  const { status } = spawnSync(
    "sh",
    [
      `${projectFolder}/tests/support/namespace.sh`,
      process.execPath,
      ...["run", "--quiet", "--no-check", "--allow-all", fileURLToPath(script), ...process.argv.slice(2)],
    ],
    { stdio: "inherit", env: { ...process.env, [INSIDE]: script } },
  );
  process.exit(status ?? 1);
}
