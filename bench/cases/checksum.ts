// SPDX-License-Identifier: Apache-2.0
import { type Context, type Report, runAlone, startWorker } from "../support/program.ts";
import { medians, type Row } from "../support/row.ts";

const TICK_BYTES = 72;
/** As much as a block with a checksum has. */
const FULL_BYTES = 8136;

/** `checksum-*`: what making and verifying a checksum adds to `broadcast` and `poll`, both in one thread. */
export async function measureChecksum(id: string, context: Context): Promise<Row[]> {
  const isTick = id === "checksum-tick";
  const count = Math.round((isTick ? 10_000 : 2_000) * context.scale);
  const options = {
    ...{ bytes: isTick ? TICK_BYTES : FULL_BYTES, count, warmup: 20_000 },
    ...{ cpu: 1, lane: "ring", read: "stable" },
  };
  const rows: Row[] = [];
  for (const runtime of context.runtimes) {
    const reports: Report[] = [];
    for (let repetition = 0; repetition < context.repetitions; repetition++) {
      context.progress(`${id} in ${runtime}, repetition ${repetition + 1} of ${context.repetitions}`);
      reports.push(await runAlone(startWorker(runtime, "checksum", options)));
    }
    const own = medians(reports, ["native", "nativeChecked", "tables", "tablesChecked", "count"]);
    const added = (checked: number, plain: number): string => `${Math.round(checked - plain)} ns`;
    rows.push({
      id,
      runtime,
      unit: "ns/block",
      value: own.nativeChecked,
      floor: own.native,
      ratio: own.nativeChecked / own.native,
      samples: own.count * context.repetitions,
      note: `floor: without; adds ${added(own.nativeChecked, own.native)}, on the memory stack ${
        added(own.tablesChecked, own.tables)
      }`,
      goal: null,
      met: null,
      figures: { memoryStackNs: own.tablesChecked, memoryStackFloorNs: own.tables },
    });
  }
  return rows;
}
