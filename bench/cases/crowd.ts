// SPDX-License-Identifier: Apache-2.0
import type { RuntimeName } from "../../tests/support/runtime.ts";
import type { Process } from "../../tests/support/process.ts";
import { TICKS } from "../support/decoding.ts";
import { type Context, type Report, startWorker, TIMEOUT_MS } from "../support/program.ts";
import { median, type Row } from "../support/row.ts";
import { eachRuntime, takeTurns } from "../support/turns.ts";

const PROCESSES = 4;
const SUBSCRIBERS_EACH = 250;
/** As many as the preset `massiveScale` has: what a process that does not get a processor for a moment may fall behind. */
const STREAM = { lane: "ring", delivery: "lossy", read: "stable", slots: 2048, wait: "park" };

/** Blocks per second at which the search begins, and beyond which it does not look. */
const RATE_FIRST = 1000;
const RATE_LAST = 1_000_000;
/** Steps of halving the interval between a rate that went well and one that did not: the result is exact to 4 %. */
const BISECTIONS = 4;
const TRIAL_SECONDS = 1.5;
/** The rate that was found has to hold for longer than a trial; else this much less is tried. */
const PROOF_SECONDS = 4;
const PROOF_STEP = 0.95;
/** A writer that takes longer for its blocks by more than this did not hold its rate. */
const SLOW_MAX = 1.05;
const REPETITIONS_MAX = 5;

/** `massive-processes`: the highest rate at which many subscribers in several processes lose nothing. */
export async function measureCrowd(id: string, context: Context): Promise<Row[]> {
  const repetitions = Math.min(REPETITIONS_MAX, context.repetitions);
  const reports = await takeTurns(
    id,
    context,
    eachRuntime(context, (runtime) => search(runtime, context)),
    repetitions,
  );
  return context.runtimes.map((runtime) => {
    const value = median(reports[runtime].map((report) => report.rate));
    const subscribers = PROCESSES * SUBSCRIBERS_EACH;
    return {
      id,
      runtime,
      unit: "blocks/s",
      value,
      floor: null,
      ratio: null,
      samples: median(reports[runtime].map((report) => report.trials)),
      note:
        `the highest paced rate at which ${PROCESSES} parked processes of ${SUBSCRIBERS_EACH} subscribers lose nothing, ` +
        `${TICKS} ticks a block, found in so many trials`,
      goal: "nothing lost",
      met: value > 0,
      figures: { "ticks/s to every subscriber": value * TICKS, "deliveries/s": value * subscribers },
    };
  });
}

async function search(runtime: RuntimeName, context: Context): Promise<Report> {
  await using started = new AsyncDisposableStack();
  const readers: Process[] = [];
  for (let i = 0; i < PROCESSES; i++) {
    readers.push(started.use(startWorker(runtime, "crowd_in", { ...STREAM, subscribers: SUBSCRIBERS_EACH })));
  }
  for (const reader of readers) await reader.waitForLine("ready", { timeoutMs: TIMEOUT_MS });
  const writer = started.use(startWorker(runtime, "crowd_out", { ...STREAM, readers: PROCESSES }));
  await writer.waitForLine("ready", { timeoutMs: TIMEOUT_MS });

  let trials = 0;
  const isSustained = async (rate: number, seconds: number): Promise<boolean> => {
    const blocks = Math.ceil(rate * seconds);
    writer.writeLine(`${rate} ${blocks}`);
    const sent = await lineOf(writer);
    const received = await Promise.all(readers.map(lineOf));
    trials++;
    return sent.seconds <= blocks / rate * SLOW_MAX && received.every((reader) => reader.missed === 0);
  };
  await isSustained(RATE_FIRST, TRIAL_SECONDS); // To warm up.
  const rate = await highest(isSustained, context.scale);
  writer.closeInput();
  for (const program of [writer, ...readers]) {
    const exit = await program.exited({ timeoutMs: TIMEOUT_MS });
    if (exit.code !== 0) throw new Error(`A process of the crowd failed: ${program.report()}`);
  }
  return { rate, trials };
}

/** The highest rate that holds, or 0. */
async function highest(
  isSustained: (rate: number, seconds: number) => Promise<boolean>,
  scale: number,
): Promise<number> {
  let good = 0;
  let bad = RATE_FIRST;
  while (bad <= RATE_LAST && await isSustained(bad, TRIAL_SECONDS * scale)) {
    good = bad;
    bad *= 2;
  }
  if (good === 0) return 0;
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = Math.round(Math.sqrt(good * bad));
    if (await isSustained(middle, TRIAL_SECONDS * scale)) good = middle;
    else bad = middle;
  }
  while (good >= 1 && !await isSustained(good, PROOF_SECONDS * scale)) good = Math.floor(good * PROOF_STEP);
  return good;
}

async function lineOf(program: Process): Promise<Report> {
  const line = await program.waitForLine(/^\{/, { timeoutMs: TIMEOUT_MS });
  const { ok, ...report } = JSON.parse(line) as { ok: boolean };
  if (!ok) throw new Error(`What arrived is not what was sent: ${program.report()}`);
  return report;
}
