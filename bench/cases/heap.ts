// SPDX-License-Identifier: Apache-2.0
import type { RuntimeName } from "../../tests/support/runtime.ts";
import { heapMeterFlags } from "../support/heap.ts";
import { type Context, runPair, startWorker } from "../support/program.ts";
import { median, type Row } from "../support/row.ts";

/** The smallest thing that either runtime can allocate is larger. */
const HEAP_NOISE_BYTES = 1;
const REPETITIONS_MAX = 3;
const RING_SLOTS = 256;

/** The ways to read, by the id of their row. */
const WAYS: Readonly<Record<string, { readonly stream: Readonly<Record<string, number | string>>; note: string }>> = {
  heap: { stream: { lane: "queue", delivery: "lossless" }, note: "queue lane" },
  "heap-stable": { stream: { lane: "ring", delivery: "lossy", read: "stable" }, note: "lossy ring, stable" },
  "heap-in-place": { stream: { lane: "ring", delivery: "lossy", read: "in-place" }, note: "lossy ring, in-place" },
  "heap-lossless": { stream: { lane: "ring", delivery: "lossless", read: "stable" }, note: "lossless ring" },
};

/** `heap`: bytes allocated for each block that is polled, on either lane and by each way to read it. */
export async function measureHeap(id: string, context: Context): Promise<Row[]> {
  // 113 ticks a block; always 10^6 blocks, since an allocation of a few bytes a block shows only then.
  const options = { bytes: 8136, count: 1_000_000, warmup: 200_000, slots: RING_SLOTS };
  const rows: Row[] = [];
  for (const [way, { stream, note }] of Object.entries(WAYS)) {
    for (const runtime of context.runtimes) {
      const values: number[] = [];
      for (let repetition = 0; repetition < Math.min(REPETITIONS_MAX, context.repetitions); repetition++) {
        context.progress(`${id}, ${note}, in ${runtime}, repetition ${repetition + 1}`);
        values.push(await bytesPerBlock(runtime, { ...options, ...stream }));
      }
      const value = median(values);
      rows.push({
        id: way,
        runtime,
        unit: "bytes/block",
        value,
        floor: null,
        ratio: null,
        samples: options.count * values.length,
        note: `${note}; poll, a handler that touches sequence, data[0] and a field of a record`,
        goal: "0",
        met: value < HEAP_NOISE_BYTES,
      });
    }
  }
  return rows;
}

async function bytesPerBlock(
  runtime: RuntimeName,
  options: Readonly<Record<string, number | string>>,
): Promise<number> {
  const how = runtime === "deno" ? { denoFlags: heapMeterFlags.deno } : { env: heapMeterFlags.bun };
  const subscriber = startWorker(runtime, "heap_in", options, how);
  const [received] = await runPair(subscriber, () => startWorker(runtime, "heap_out", { ...options, cpu: 0 }));
  return received.bytesPerBlock;
}
