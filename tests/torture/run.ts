// SPDX-License-Identifier: Apache-2.0
//
// The kill matrix: `./x torture`. See docs/reliability.md.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { projectFolder, type RuntimeName } from "../support/runtime.ts";
import type { CellOptions, CellResult } from "./cell.ts";
import { type Cell, cellId, CELLS, hasGoalZero, isMeant } from "./cells.ts";
import { currentVersion, load, save, STORE } from "./store.ts";
import { formatLine, formatTable } from "./table.ts";

const USAGE =
  `Usage: ./x torture [--trials N] [--only cell,...] [--runtime deno|bun|both] [--json FILE] [--resume] [--list]

  --trials N   in each cell; default 100 in key cells, 50 or 10 in the others
  --only       cells by name, by lane, by name.lane or by name.lane.runtime, for example
               broadcaster-SIGKILL or ring-lossy or broadcaster-SIGKILL.queue.deno
  --runtime    of our scripts; cells of raw iceoryx are run with each
  --resume     do not repeat what was finished at this commit, with as many trials; kept in ${STORE}
  --list       the cells, and nothing else

Ends with status 1 when somebody froze, died, lost without counting or left something in a cell whose goal is none.`;

/** After how long somebody who does not go on is said to be frozen; 3 s are promised, and later ones are counted. */
const LIMIT_MS = 6000;
/** The same where the module first has to find out that its RouDi hangs. */
const LIMIT_OF_SPAWNED_MS = 15_000;
const SEED = 1;

function fail(message: string): never {
  process.stderr.write(`${message}\n\n${USAGE}\n`);
  process.exit(2);
}

const { values } = parseArgs({
  options: {
    trials: { type: "string" },
    only: { type: "string" },
    runtime: { type: "string", default: "both" },
    json: { type: "string" },
    resume: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(`${USAGE}\n`);
  process.exit(0);
}
const trials = values.trials === undefined ? undefined : Number(values.trials);
if (trials !== undefined && !(Number.isInteger(trials) && trials > 0)) fail(`There are no ${values.trials} trials`);
if (!["deno", "bun", "both"].includes(values.runtime)) fail(`There is no runtime ${JSON.stringify(values.runtime)}`);
const parts = values.only?.split(",") ?? [];
for (const part of parts) {
  if (!CELLS.some((cell) => isMeant(cell, part))) {
    fail(`There is no cell ${JSON.stringify(part)}; --list tells them all`);
  }
}
const cells = CELLS.filter((cell) => parts.length === 0 || parts.some((part) => isMeant(cell, part)))
  .filter(({ runtime }) => values.runtime === "both" || runtime === "c" || runtime === values.runtime as RuntimeName);
if (values.list) {
  process.stdout.write(cells.map((cell) => `${cellId(cell)}\n`).join(""));
  process.exit(0);
}

let child: ChildProcess | null = null;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (child?.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    process.exit(130);
  });
}

function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

function limitOf({ lane }: Cell): number {
  return lane.endsWith("+spawn") ? LIMIT_OF_SPAWNED_MS : LIMIT_MS;
}

/** Runs a cell in a process and a namespace of its own. */
async function run(cell: Cell, number: string): Promise<CellResult> {
  const options: CellOptions = { trials: trials ?? cell.trials, limitMs: limitOf(cell), seed: SEED };
  const file = `${projectFolder}/${STORE}/running.json`;
  rmSync(file, { force: true });
  child = spawn("sh", [
    ...[`${projectFolder}/tests/support/namespace.sh`, process.execPath],
    ...["run", "--quiet", "--no-check", "--allow-all", fileURLToPath(new URL("cell.ts", import.meta.url))],
    ...[JSON.stringify(cell), JSON.stringify(options), file],
    // A process group of its own, so that all of it can be ended where there is no process namespace.
  ], { stdio: ["ignore", "pipe", "inherit"], detached: true });
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    showProgress(`${number} ${cellId(cell)}: ${text.trim().split("\n").at(-1)} of ${options.trials}`);
  });
  await new Promise((resolve) => child!.on("close", resolve));
  child = null;
  showProgress("");
  return JSON.parse(readFileSync(file, "utf8")) as CellResult;
}

mkdirSync(`${projectFolder}/${STORE}`, { recursive: true });
const version = currentVersion();
const results: CellResult[] = [];
let failures = 0;
for (const [index, cell] of cells.entries()) {
  const number = `[${index + 1}/${cells.length}]`;
  const kept = values.resume ? load(cell, version, trials ?? cell.trials) : null;
  try {
    const result = kept ?? await run(cell, number);
    if (kept === null) save(cell, version, result);
    results.push(result);
    process.stdout.write(`${number} ${formatLine(result)}${kept === null ? "" : " (before)"}\n`);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
    const { freezes, aborts, uncounted, broken, left } = result;
    if (hasGoalZero(cell) && freezes + aborts + uncounted + broken + left.length > 0) failures++;
  } catch (error) {
    failures++;
    process.stderr.write(`${number} ${cellId(cell)} failed: ${error instanceof Error ? error.stack : error}\n`);
  }
}
process.stdout.write(`\n${formatTable(results)}\n`);
process.exit(failures === 0 ? 0 : 1);
