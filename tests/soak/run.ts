// SPDX-License-Identifier: Apache-2.0
//
// A long run with everything that changes in production: `./x soak`. What it does is in docs/reliability.md.
import { writeFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { describeMachine } from "../../bench/support/machine.ts";
import { writePage } from "../../bench/support/page.ts";
import { enterOwnNamespace } from "../support/own_namespace.ts";
import type { RuntimeName } from "../support/runtime.ts";
import { checksOf } from "./checks.ts";
import type { SoakPage } from "./page/main.ts";
import { formatResult, progressLine, rowsOf } from "./report.ts";
import { runSoak, type Sample } from "./soak.ts";
import { RECORDS_PER_BLOCK } from "./streams.ts";

const PAGE_DEFAULT = "build/soak/index.html";
const USAGE = `Usage: ./x soak [--minutes N] [--json FILE] [--page FILE] [--runtime deno|bun]

  --minutes   how long; default 60
  --json      where to write the figures
  --page      where to write the page, from the project's folder; default ${PAGE_DEFAULT}
  --runtime   that of the writer; default deno. Readers run in both.

The result is printed as tables and, with plots, written as a page.`;

const MINUTES_DEFAULT = 60;
const MS_PER_MINUTE = 60_000;
/** 1.2 x 10^9 records an hour, floods aside. */
const BLOCKS_PER_SECOND = 3000;
/** Short runs do everything at least so many times. */
const RESTARTS_MIN = 3;
const SAMPLES_MIN = 18;
const RESTART_MS = MS_PER_MINUTE;
const SAMPLE_MS = 10_000;
const PROGRESS_MS = 30_000;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: String(MINUTES_DEFAULT) },
    json: { type: "string" },
    page: { type: "string", default: PAGE_DEFAULT },
    runtime: { type: "string", default: "deno" },
    help: { type: "boolean", default: false },
  },
});
const minutes = Number(values.minutes);
if (values.help) {
  process.stdout.write(`${USAGE}\n`);
  process.exit(0);
}
if (!(minutes > 0 && minutes < Infinity) || !["deno", "bun"].includes(values.runtime)) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}

enterOwnNamespace(import.meta.url);

const durationMs = minutes * MS_PER_MINUTE;
const restartMs = Math.min(RESTART_MS, durationMs / RESTARTS_MIN);
const sampleMs = Math.min(SAMPLE_MS, durationMs / SAMPLES_MIN);
let nextLine = 0;
const progress = (sample: Sample): void => {
  if (sample.ms < nextLine) return;
  nextLine = sample.ms + Math.min(PROGRESS_MS, restartMs) - sampleMs / 2;
  process.stdout.write(`${progressLine(sample)}\n`);
};

const machine = describeMachine();
process.stdout.write(`${machine}\n\n`);
const result = await runSoak({
  ...{ durationMs, restartMs, sampleMs, cycleMs: restartMs, blocksPerSecond: BLOCKS_PER_SECOND, progress },
  runtime: values.runtime as RuntimeName,
});
const checks = checksOf(result);
const tables = formatResult(result, checks);
process.stdout.write(`\n${tables}\n`);
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(rowsOf(checks), null, 2) + "\n");
const page: SoakPage = { machine, tables, recordsPerBlock: RECORDS_PER_BLOCK, result };
writePage(values.page, { title: "Soak run of @qaultra/ipc", main: "tests/soak/page/main.ts", result: page });
process.stdout.write(`The page: ${values.page}\n`);
process.exitCode = checks.every(({ met }) => met !== false) ? 0 : 1;
