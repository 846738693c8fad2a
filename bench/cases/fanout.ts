// SPDX-License-Identifier: Apache-2.0
import type { RuntimeName } from "../../tests/support/runtime.ts";
import type { Process } from "../../tests/support/process.ts";
import { type Context, type Report, reportOf, startWorker } from "../support/program.ts";
import { compare, fromComparisons, median, type Row } from "../support/row.ts";
import { type Contenders, takeTurns } from "../support/turns.ts";

/** Subscribers of one other process, which spins; 0: nobody reads. */
const SUBSCRIBERS = [0, 1, 10, 100, 1000];
/** Processes of one subscriber each, all parked. */
const PROCESSES = [1, 4, 16];
const COST_RATIO_MAX = 1.1;
const REPETITIONS_MAX = 5;
/** Room for two bursts. */
const RING_SLOTS = 64;

/** With subscribers that spin: bursts of so many blocks, far enough apart that 1000 subscribers have read one before the next. */
const BURSTS = { blocks: 16, "interval-ms": 10, wait: "spin" };
/** With parked processes: single blocks, so that all are parked again before each of them. */
const SINGLE = { blocks: 1, "interval-ms": 5, wait: "park" };

/** How the figure of one number of readers is named. */
function nameOf(readers: number, parked: boolean): string {
  return `${readers} ${parked ? "parked processes" : "subscribers"}`;
}

/** `ring-fanout`: what a block costs the writer at different numbers of readers. */
export async function measureFanout(id: string, context: Context): Promise<Row[]> {
  const bursts = Math.round(200 * context.scale);
  const repetitions = Math.min(REPETITIONS_MAX, context.repetitions);
  const contenders: Record<string, () => Promise<Report>> = {};
  for (const runtime of context.runtimes) Object.assign(contenders, contendersOf(runtime, bursts));
  const reports = await takeTurns(id, context, contenders, repetitions);
  return context.runtimes.map((runtime) => {
    const figures: Record<string, number> = {};
    for (const name of Object.keys(contendersOf(runtime, bursts))) {
      figures[name.slice(runtime.length + 1)] = median(reports[name].map((report) => report.p50));
    }
    const many = figures[nameOf(1000, false)];
    return {
      id,
      runtime,
      unit: "ns/block",
      value: many,
      samples: bursts * BURSTS.blocks * repetitions,
      note: "the writer's median cost of a block of one tick, lossy; value: with 1000 subscribers, floor: with 1",
      ...fromComparisons([
        compare("1000 / 1 subscribers", many, figures[nameOf(1, false)], { atMost: COST_RATIO_MAX }),
      ]),
      figures,
    };
  });
}

/** The measurements of one runtime, by "<runtime> <readers>". */
function contendersOf(runtime: RuntimeName, bursts: number): Contenders {
  const common = { bytes: 72, bursts, warmup: 50_000, lane: "ring", slots: RING_SLOTS };
  return Object.fromEntries([
    ...SUBSCRIBERS.map((count) => [
      `${runtime} ${nameOf(count, false)}`,
      () => fanOut(runtime, { ...common, ...BURSTS }, count === 0 ? [] : [count]),
    ]),
    ...PROCESSES.map((count) => [
      `${runtime} ${nameOf(count, true)}`,
      () => fanOut(runtime, { ...common, ...SINGLE }, new Array<number>(count).fill(1)),
    ]),
  ]);
}

/** Runs the writer against reader processes with so many subscribers each. */
async function fanOut(
  runtime: RuntimeName,
  options: Readonly<Record<string, number | string>>,
  subscribersOf: readonly number[],
): Promise<Report> {
  await using readers = new AsyncDisposableStack();
  const started: Process[] = [];
  for (const subscribers of subscribersOf) {
    const parked = options.wait === "park";
    // Of a process that spins only the thread that matters stays on the CPU; a parked one wakes through its others, too.
    const reader = parked
      ? startWorker(runtime, "fanout_in", { ...options, subscribers }, { cpu: 1 })
      : startWorker(runtime, "fanout_in", { ...options, subscribers, cpu: 1 });
    started.push(readers.use(reader));
  }
  for (const reader of started) await reader.waitForLine("ready");
  await using writer = startWorker(runtime, "fanout_out", { ...options, readers: started.length, cpu: 0 });
  const [cost] = await Promise.all([reportOf(writer), ...started.map(reportOf)]);
  return cost;
}
