// SPDX-License-Identifier: Apache-2.0
// The results of finished cells, kept so that a run that was ended early can go on where it was.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { projectFolder } from "../support/runtime.ts";
import type { CellResult } from "./cell.ts";
import { type Cell, cellId } from "./cells.ts";

/** Where they lie, from the project's folder. */
export const STORE = "build/torture";

interface Stored {
  readonly version: string;
  readonly result: CellResult;
}

/** The file of a cell's result. */
export function pathOf(cell: Cell): string {
  return `${projectFolder}/${STORE}/${cellId(cell)}.json`;
}

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: projectFolder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

/** What the results of now belong to: the commit, and what was changed since. Null where git does not tell. */
export function currentVersion(): string | null {
  try {
    const changes = git("diff", "HEAD") + git("ls-files", "--others", "--exclude-standard");
    const commit = git("rev-parse", "HEAD").trim();
    return changes === "" ? commit : `${commit}+${createHash("sha256").update(changes).digest("hex").slice(0, 12)}`;
  } catch {
    return null;
  }
}

/** The result of so many trials of this version, or null. */
export function load(cell: Cell, version: string | null, trials: number): CellResult | null {
  const path = pathOf(cell);
  if (version === null || !existsSync(path)) return null;
  const stored = JSON.parse(readFileSync(path, "utf8")) as Stored;
  return stored.version === version && stored.result.trials === trials ? stored.result : null;
}

/** Keeps a result. */
export function save(cell: Cell, version: string | null, result: CellResult): void {
  mkdirSync(`${projectFolder}/${STORE}`, { recursive: true });
  writeFileSync(pathOf(cell), `${JSON.stringify({ version: version ?? "", result } satisfies Stored, null, 1)}\n`);
}
