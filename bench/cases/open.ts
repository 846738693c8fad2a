// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import type { Process } from "../../tests/support/process.ts";
import { delay } from "../../tests/support/wait.ts";
import type { RuntimeName } from "../../tests/support/runtime.ts";
import { type Context, type Report, runAlone, startBinary, startWorker } from "../support/program.ts";
import { median, medians, type Row } from "../support/row.ts";
import { takeTurns } from "../support/turns.ts";

const FEED_BLOCKS_PER_SECOND = 2000;
/** Until a process that has said "ready" has settled. */
const SETTLE_MS = 500;
const MEBIBYTE_KIB = 1024;

/** `open`: process start to first block, `Runtime.open` to attached, memory of an idle subscriber; then all that on the ring. */
export async function measureOpen(id: string, context: Context): Promise<Row[]> {
  const rows: Row[] = [];
  {
    // A C++ peer feeds both sides alike.
    const peer = { service: "Bench", stream: "open", rate: FEED_BLOCKS_PER_SECOND };
    await using feed = startBinary("peer_publisher", peer);
    await feed.waitForLine("ready");
    for (const runtime of context.runtimes) rows.push(...await measureLane(id, "queue", runtime, context));
    feed.closeInput();
    await reportOfEnded(feed);
  }
  for (const runtime of context.runtimes) {
    await using peer = startBinary("peer_publisher", {
      service: "Bench",
      stream: "open",
      rate: FEED_BLOCKS_PER_SECOND,
    });
    await peer.waitForLine("ready");
    await using feed = startWorker(runtime, "open_out", { lane: "ring", stream: `${id}-ring` });
    await feed.waitForLine("ready");
    rows.push(...await measureLane(`${id}-ring`, "ring", runtime, context));
    for (const program of [feed, peer]) {
      program.closeInput();
      await reportOfEnded(program);
    }
  }
  return rows;
}

async function measureLane(id: string, lane: string, runtime: RuntimeName, context: Context): Promise<Row[]> {
  const repetitions = context.repetitions * 3;
  const reports = await takeTurns(`${id} in ${runtime}`, context, {
    floor: () => runAlone(startBinary("floor_open", { "started-ms": Date.now() })),
    own: () => runAlone(startWorker(runtime, "open", { lane, stream: id, "started-ms": Date.now() })),
    bare: () => bareStart(runtime),
  }, repetitions);
  const own = medians(reports.own, ["loadedMs", "attachMs", "firstBlockMs"]);
  const floor = medians(reports.floor, ["attachMs", "firstBlockMs"]);
  const bareMs = median(reports.bare.map((report) => report.ms));
  const common = { runtime, unit: "ms", samples: repetitions, goal: null, met: null };
  const rows: Row[] = [{
    ...common,
    id,
    value: own.firstBlockMs,
    floor: floor.firstBlockMs,
    ratio: own.firstBlockMs / floor.firstBlockMs,
    note: `process start to first block, floor: C over iceoryx; a bare script starts in ${bareMs} ms, ` +
      `this one has loaded after ${own.loadedMs} ms`,
  }];
  // Opening the runtime is the same for both lanes.
  if (lane === "queue") {
    rows.push({
      ...common,
      id: `${id}-attach`,
      value: own.attachMs,
      floor: floor.attachMs,
      ratio: own.attachMs / floor.attachMs,
      note: "Runtime.open to attached, library loading included; floor: iox_runtime_init",
    });
  }
  rows.push(await measureMemory(`${id}-memory`, lane, runtime, context));
  return rows;
}

async function reportOfEnded(feed: Process): Promise<void> {
  const exit = await feed.exited();
  if (exit.code !== 0) throw new Error(`The feed failed: ${feed.report()}`);
}

/** From the start of a script that does nothing to its first line. */
async function bareStart(runtime: RuntimeName): Promise<Report> {
  const begin = Date.now();
  await using bare = startWorker(runtime, "bare", {});
  await bare.waitForLine("ready");
  return { ms: Date.now() - begin };
}

async function measureMemory(id: string, lane: string, runtime: RuntimeName, context: Context): Promise<Row> {
  const idle: number[] = [];
  const bare: number[] = [];
  for (let repetition = 0; repetition < context.repetitions; repetition++) {
    context.progress(`${id} in ${runtime}, repetition ${repetition + 1} of ${context.repetitions}`);
    idle.push(await residentMebibytes(runtime, "idle", { lane }));
    bare.push(await residentMebibytes(runtime, "bare", {}));
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

async function residentMebibytes(
  runtime: RuntimeName,
  worker: string,
  options: Readonly<Record<string, string>>,
): Promise<number> {
  await using script = startWorker(runtime, worker, options);
  await script.waitForLine("ready");
  await delay(SETTLE_MS);
  const status = readFileSync(`/proc/${script.pid}/status`, "utf8");
  const kibibytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]);
  script.closeInput();
  const exit = await script.exited();
  if (exit.code !== 0) throw new Error(`The ${worker} script failed: ${script.report()}`);
  return kibibytes / MEBIBYTE_KIB;
}
