// SPDX-License-Identifier: Apache-2.0
import { type Context, type Report, runAlone, startWorker } from "../support/program.ts";
import { medians, type Row } from "../support/row.ts";

const DECODE_GOAL = 100e6;

/** `decode`: ticks read in place per second, against the same additions over a Float64Array. */
export async function measureDecode(id: string, context: Context): Promise<Row[]> {
  const options = { count: Math.round(20_000 * context.scale), warmup: 50_000, cpu: 1, lane: "queue" };
  const rows: Row[] = [];
  for (const runtime of context.runtimes) {
    const reports: Report[] = [];
    for (let repetition = 0; repetition < context.repetitions; repetition++) {
      context.progress(`${id} in ${runtime}, repetition ${repetition + 1} of ${context.repetitions}`);
      reports.push(await runAlone(startWorker(runtime, "decode", options)));
    }
    const own = medians(reports, ["ticksPerSecond", "indexedPerSecond", "floorPerSecond", "count"]);
    rows.push({
      id,
      runtime,
      unit: "ticks/s",
      value: own.ticksPerSecond,
      floor: own.floorPerSecond,
      ratio: own.ticksPerSecond / own.floorPerSecond,
      samples: own.count * context.repetitions,
      note: `floor: six doubles a tick from a Float64Array; by records.at(i) ${
        (own.indexedPerSecond / 1e6).toFixed(1)
      } M`,
      goal: ">= 100 M",
      met: own.ticksPerSecond >= DECODE_GOAL,
    });
  }
  return rows;
}
