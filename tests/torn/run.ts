// SPDX-License-Identifier: Apache-2.0
//
// ./x torn: writers that lap their readers on purpose, for as many blocks as wanted; docs/reliability.md says what is counted.
import { resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { enterOwnNamespace } from "../support/own_namespace.ts";
import { RouDi } from "../support/roudi.ts";
import { type Cell, cellsOf, Rows } from "./cell.ts";
import { formatTable } from "./table.ts";
import { runTrial, type Side } from "./trial.ts";

const SIDES: readonly Side[] = ["deno", "bun", "c"];
const BLOCKS = 1_000_000_000;
const FULL = 10_000_000;
const USAGE = `Usage: ./x torn [--blocks N] [--full N] [--runtime deno,bun,c] [--minutes M] [--json FILE]

Every reader (Deno, Bun, and C by ring.h), in both modes, from one ring and from two that are merged, reads N blocks, each checked
word by word, while writers in C, Deno and Bun overwrite them and all are stopped and continued at random.

  --blocks N    blocks of 64 used bytes for each reader, mode and count of rings, over all writers; default ${BLOCKS}
  --full N      blocks of 8160 used bytes, likewise; default ${FULL}
  --runtime R   the readers, with commas; default: all
  --minutes M   ends after this time, with what it has
  --json FILE   keeps the counts there after each trial, and goes on with those that it finds there`;

/** How long a trial takes at the most, so that all cells come along. */
const TRIAL_MS_MAX = 20_000;
/** Few slots make laps out of almost every block; with more of them a slow reader gets more blocks between two laps. */
const CAPACITIES: readonly number[] = [16, 64, 256, 1024, 4096];
const MS_PER_MINUTE = 60_000;
const SEEDS = 2 ** 31;

function fail(message: string): never {
  process.stderr.write(`${message}\n\n${USAGE}\n`);
  process.exit(2);
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!(value >= 0)) fail(`--${name} must be a number from 0, not ${JSON.stringify(text)}`);
  return value;
}

const { values } = parseArgs({
  options: {
    blocks: { type: "string", default: `${BLOCKS}` },
    full: { type: "string", default: `${FULL}` },
    runtime: { type: "string", default: SIDES.join(",") },
    minutes: { type: "string", default: "Infinity" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(`${USAGE}\n`);
  process.exit(0);
}
const blocks = count("blocks", values.blocks);
const full = count("full", values.full);
const end = performance.now() + count("minutes", values.minutes) * MS_PER_MINUTE;
const readers = values.runtime.split(",").map((name) =>
  SIDES.find((side) => side === name) ?? fail(`There is no runtime ${JSON.stringify(name)}`)
);

// Other folders of these names are seen inside.
if (/^(\/tmp|\/dev\/shm)\//.test(resolve(values.json ?? "."))) fail("--json cannot be in /tmp or /dev/shm");

enterOwnNamespace(import.meta.url);

const groups = cellsOf(readers);
const rows = new Rows(values.json);

/** How many blocks the cells of a group have to read yet. */
function leftOf(group: readonly Cell[]): number {
  const wanted = group[0]!.usedBytes === 64 ? blocks : full;
  return group.reduce((left, cell) => left - rows.of(cell).blocks, wanted);
}

async function runCell(cell: Cell, left: number, capacity: number): Promise<void> {
  const trialEnd = Math.min(end, performance.now() + TRIAL_MS_MAX);
  const seed = Math.floor(Math.random() * SEEDS);
  const { runtime: reader, mode, writers, usedBytes } = cell;
  const result = await runTrial(
    { reader, mode, writers, usedBytes, capacity, seed },
    ({ good, reported }) => good >= left || reported > 0 || performance.now() >= trialEnd,
  );
  rows.add(cell, result);
  const { good, laps, reported, faults } = result;
  process.stdout.write(
    `${reader} ${mode} ${
      writers.join("+")
    } ${usedBytes}, ${capacity} slots: ${good} read, ${laps} laps, ${reported} torn, ` +
      `${Math.max(0, left - good)} to go\n`,
  );
  for (const fault of faults) process.stdout.write(`FAULT, ${fault}\n`);
}

// Without monitoring: it would take processes that are stopped, or wait for a processor, for dead.
await using _roudi = await RouDi.start({ monitoring: false });
for (let turn = 0; performance.now() < end; turn++) {
  const open = groups.filter((group) => leftOf(group) > 0);
  if (open.length === 0) break;
  for (const [index, group] of open.entries()) {
    if (performance.now() >= end) break;
    await runCell(group[turn % group.length]!, leftOf(group), CAPACITIES[(turn + index) % CAPACITIES.length]!);
  }
}
const results = groups.flat().map((cell) => rows.of(cell)).filter(({ seconds }) => seconds > 0);
process.stdout.write(`\n${formatTable(results)}\n`);
const bad = results.filter(({ tornReported, faults }) => tornReported > 0 || faults.length > 0);
const short = groups.filter((group) => leftOf(group) > 0).length;
if (short > 0) process.stdout.write(`\n${short} of ${groups.length} sums have not reached what was wanted yet.\n`);
for (const { id, tornReported, faults } of bad) {
  process.stdout.write(`FAILED ${id}: ${tornReported} torn blocks taken for whole, ${faults.length} counts wrong\n`);
}
process.exitCode = bad.length === 0 ? 0 : 1;
