// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import type { Process } from "../../tests/support/process.ts";
import { delay } from "../../tests/support/wait.ts";
import type { RuntimeName } from "../../tests/support/runtime.ts";
import { type Context, runAlone, startBinary, startWorker } from "../support/program.ts";
import { median, medians, type Row } from "../support/row.ts";

const FEED_BLOCKS_PER_SECOND = 2000;
/** Until a process that has said "ready" has settled. */
const SETTLE_MS = 500;
const MEBIBYTE_KIB = 1024;

/** `open`: process start to first block, `Runtime.open` to attached, memory of an idle subscriber. */
export async function measureOpen(id: string, context: Context): Promise<Row[]> {
  const rows: Row[] = [];
  // A C++ peer feeds both sides alike.
  await using feed = startBinary("peer_publisher", { service: "Bench", stream: "open", rate: FEED_BLOCKS_PER_SECOND });
  await feed.waitForLine("ready");
  const repetitions = context.repetitions * 3;
  for (const runtime of context.runtimes) {
    const ours = [];
    const floors = [];
    const bares: number[] = [];
    for (let repetition = 0; repetition < repetitions; repetition++) {
      context.progress(`${id} in ${runtime}, repetition ${repetition + 1} of ${repetitions}`);
      floors.push(await runAlone(startBinary("floor_open", { "started-ms": Date.now() })));
      ours.push(await runAlone(startWorker(runtime, "open", { "started-ms": Date.now() })));
      bares.push(await bareStartMs(runtime));
    }
    const own = medians(ours, ["loadedMs", "attachMs", "firstBlockMs"]);
    const floor = medians(floors, ["attachMs", "firstBlockMs"]);
    const common = { runtime, samples: repetitions, goal: null, met: null };
    rows.push({
      ...common,
      id,
      unit: "ms",
      value: own.firstBlockMs,
      floor: floor.firstBlockMs,
      ratio: own.firstBlockMs / floor.firstBlockMs,
      note: `process start to first block, floor: C; a bare script starts in ${median(bares)} ms, ` +
        `this one has loaded after ${own.loadedMs} ms`,
    }, {
      ...common,
      id: `${id}-attach`,
      unit: "ms",
      value: own.attachMs,
      floor: floor.attachMs,
      ratio: own.attachMs / floor.attachMs,
      note: "Runtime.open to attached, library loading included; floor: iox_runtime_init",
    });
    rows.push(await measureMemory(`${id}-memory`, runtime, context));
  }
  feed.closeInput();
  await reportOfEnded(feed);
  return rows;
}

async function reportOfEnded(feed: Process): Promise<void> {
  const exit = await feed.exited();
  if (exit.code !== 0) throw new Error(`The feed failed: ${feed.report()}`);
}

/** From the start of a script that does nothing to its first line. */
async function bareStartMs(runtime: RuntimeName): Promise<number> {
  const begin = Date.now();
  await using bare = startWorker(runtime, "bare", {});
  await bare.waitForLine("ready");
  return Date.now() - begin;
}

async function measureMemory(id: string, runtime: RuntimeName, context: Context): Promise<Row> {
  const idle: number[] = [];
  const bare: number[] = [];
  for (let repetition = 0; repetition < context.repetitions; repetition++) {
    context.progress(`${id} in ${runtime}, repetition ${repetition + 1} of ${context.repetitions}`);
    idle.push(await residentMebibytes(runtime, "idle"));
    bare.push(await residentMebibytes(runtime, "bare"));
  }
  return {
    id,
    runtime,
    unit: "MiB",
    value: median(idle) - median(bare),
    floor: median(bare),
    ratio: null,
    samples: context.repetitions,
    note: `resident memory of an idle subscriber (${median(idle).toFixed(1)} MiB) over a bare script's (floor)`,
    goal: null,
    met: null,
  };
}

async function residentMebibytes(runtime: RuntimeName, worker: string): Promise<number> {
  await using script = startWorker(runtime, worker, {});
  await script.waitForLine("ready");
  await delay(SETTLE_MS);
  const status = readFileSync(`/proc/${script.pid}/status`, "utf8");
  const kibibytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]);
  script.closeInput();
  const exit = await script.exited();
  if (exit.code !== 0) throw new Error(`The ${worker} script failed: ${script.report()}`);
  return kibibytes / MEBIBYTE_KIB;
}
