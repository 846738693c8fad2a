// SPDX-License-Identifier: Apache-2.0
import { heapMeterFlags } from "../support/heap.ts";
import { type Context, type Report, runAlone, runPair, startWorker } from "../support/program.ts";
import { median, medians, type Row } from "../support/row.ts";

const DECODE_GOAL = 100e6;
/** The smallest thing that either runtime can allocate is larger. */
const HEAP_NOISE_BYTES = 1;

/** `decode`: ticks read in place per second, against the same additions over a Float64Array. */
export async function measureDecode(id: string, context: Context): Promise<Row[]> {
  const options = { count: Math.round(20_000 * context.scale), warmup: 50_000, cpu: 1 };
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

/** `heap`: bytes allocated for each block that is polled. */
export async function measureHeap(id: string, context: Context): Promise<Row[]> {
  // 113 ticks a block; always 10^6 blocks, since an allocation of a few bytes a block shows only then.
  const options = { bytes: 8136, count: 1_000_000, warmup: 200_000 };
  const rows: Row[] = [];
  for (const runtime of context.runtimes) {
    const values: number[] = [];
    for (let repetition = 0; repetition < Math.min(3, context.repetitions); repetition++) {
      context.progress(`${id} in ${runtime}, repetition ${repetition + 1}`);
      const how = runtime === "deno" ? { denoFlags: heapMeterFlags.deno } : { env: heapMeterFlags.bun };
      const subscriber = startWorker(runtime, "heap_in", options, how);
      const [received] = await runPair(subscriber, () => startWorker(runtime, "flood_out", { ...options, cpu: 0 }));
      values.push(received.bytesPerBlock);
    }
    const value = median(values);
    rows.push({
      id,
      runtime,
      unit: "bytes/block",
      value,
      floor: null,
      ratio: null,
      samples: options.count * values.length,
      note: "poll, a handler that touches sequence, data[0] and a field of a record",
      goal: "0",
      met: value < HEAP_NOISE_BYTES,
    });
  }
  return rows;
}
