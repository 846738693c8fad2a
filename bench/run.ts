// SPDX-License-Identifier: Apache-2.0
//
// The benchmarks: `./x bench`. What each one measures and how is in docs/performance.md.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { RouDi } from "../tests/support/roudi.ts";
import { projectFolder, type RuntimeName } from "../tests/support/runtime.ts";
import { measureDecode, measureHeap } from "./cases/in_process.ts";
import { measureOpen } from "./cases/open.ts";
import { measurePingPong, measureThroughput } from "./cases/queue.ts";
import { measureWake } from "./cases/wake.ts";
import { describeMachine } from "./support/machine.ts";
import type { Context } from "./support/program.ts";
import { formatTable, type Row } from "./support/row.ts";

const USAGE = `Usage: ./x bench [--only id,...] [--runtime deno|bun|both] [--quick] [--json FILE]

  queue-tick        one-way latency of a 72-byte tick over the queue lane, against C
  queue-block       the same of a full block, copied in and out
  queue-throughput  full blocks per second, one publisher, one subscriber process, against C
  decode            ticks read in place per second, against plain doubles
  heap              bytes allocated for each polled block
  wake              publish to the first line of a parked for await, against a Unix-domain socket
  open              start to first block, opening the runtime, memory of an idle subscriber`;

const BENCHES: Readonly<Record<string, (id: string, context: Context) => Promise<Row[]>>> = {
  "queue-tick": (id, context) => measurePingPong(id, 72, context),
  "queue-block": (id, context) => measurePingPong(id, 8160, context),
  "queue-throughput": measureThroughput,
  decode: measureDecode,
  heap: measureHeap,
  wake: measureWake,
  open: measureOpen,
};

const REPETITIONS = 7;
const REPETITIONS_QUICK = 3;
const SCALE_QUICK = 0.25;
/** Chunks for 256 queued blocks of every stream, with plenty to spare. */
const POOL_BLOCKS = 2048;
const INSIDE = "QAULTRA_BENCH_INSIDE";

function fail(message: string): never {
  process.stderr.write(`${message}\n\n${USAGE}\n`);
  process.exit(2);
}

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    runtime: { type: "string", default: "both" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(`${USAGE}\n`);
  process.exit(0);
}
const ids = values.only === undefined ? Object.keys(BENCHES) : values.only.split(",");
for (const id of ids) {
  if (BENCHES[id] === undefined) fail(`There is no bench ${JSON.stringify(id)}`);
}
if (!["deno", "bun", "both"].includes(values.runtime)) fail(`There is no runtime ${JSON.stringify(values.runtime)}`);

// A RouDi of its own, where no other run meets it.
if (process.env[INSIDE] === undefined) {
  const { status } = spawnSync(
    "sh",
    [
      `${projectFolder}/tests/support/namespace.sh`,
      process.execPath,
      ...["run", "--quiet", "--no-check", "--allow-all", fileURLToPath(import.meta.url), ...process.argv.slice(2)],
    ],
    { stdio: "inherit", env: { ...process.env, [INSIDE]: "1" } },
  );
  process.exit(status ?? 1);
}

const context: Context = {
  runtimes: values.runtime === "both" ? ["deno", "bun"] : [values.runtime as RuntimeName],
  repetitions: values.quick ? REPETITIONS_QUICK : REPETITIONS,
  scale: values.quick ? SCALE_QUICK : 1,
  progress: (text) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  },
};

const rows: Row[] = [];
let failures = 0;
process.stdout.write(`${describeMachine()}\n\n`);
// Without monitoring: on a machine that stalls for a moment it would take the processes of a bench for dead.
await using _roudi = await RouDi.start({ blocks: POOL_BLOCKS, monitoring: false });
for (const id of ids) {
  try {
    rows.push(...await BENCHES[id](id, context));
  } catch (error) {
    failures++;
    process.stderr.write(`\n${id} failed: ${error instanceof Error ? error.stack : error}\n`);
  }
}
context.progress("");
process.stdout.write(`${formatTable(rows)}\n`);
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(rows, null, 2) + "\n");
process.exitCode = failures === 0 ? 0 : 1;
