// SPDX-License-Identifier: Apache-2.0
import type { RuntimeName } from "../../tests/support/runtime.ts";
import { type Context, type Report, runAlone, runPair, startBinary, startWorker } from "../support/program.ts";
import { median, medians, type Row } from "../support/row.ts";
import { eachRuntime, takeTurns } from "../support/turns.ts";

const BLOCKS_PER_SECOND_MIN = 3e6;
const TIMER_MS_MAX = 20;
/** As many slots as a default configuration has: with few the two ends take turns in sleeping, and the wake-ups are what is measured. */
const RING = { lane: "ring", delivery: "lossless", slots: 512 };

/** `ring-for-await`: blocks per second of a `for await` that always finds data, and what it leaves to timers. */
export async function measureForAwait(id: string, context: Context): Promise<Row[]> {
  const options = { bytes: 72, count: Math.round(10_000_000 * context.scale), warmup: 300_000, ...RING };
  const floorOptions = { bytes: 72, count: 500_000, "cpu-publisher": 0, "cpu-subscriber": 1 };
  const reports = await takeTurns(id, context, {
    floor: () => runAlone(startBinary("floor_throughput", floorOptions)),
    ...eachRuntime(context, (runtime) => iterate(runtime, options)),
  });
  const floor = median(reports.floor.map((report) => report.blocksPerSecond));
  return context.runtimes.map((runtime) => {
    const own = medians(reports[runtime], ["blocksPerSecond", "timerP50Ms", "timerMaxMs", "timers"]);
    return {
      id,
      runtime,
      unit: "blocks/s",
      value: own.blocksPerSecond,
      floor,
      ratio: own.blocksPerSecond / floor,
      samples: options.count * context.repetitions,
      note: "one tick a block; floor: C iceoryx, which only takes blocks",
      goal: ">= 3 M, 10 ms timers within 20 ms",
      met: own.blocksPerSecond >= BLOCKS_PER_SECOND_MIN && own.timerMaxMs <= TIMER_MS_MAX,
      figures: {
        "timers of 10 ms in a run": own.timers,
        "a timer of 10 ms fires after ms, median": own.timerP50Ms,
        "at the latest after ms": own.timerMaxMs,
      },
    };
  });
}

async function iterate(runtime: RuntimeName, options: Readonly<Record<string, number | string>>): Promise<Report> {
  const reader = startWorker(runtime, "await_in", { ...options, cpu: 1 });
  const writer = () => startWorker(runtime, "flood_out", { ...options, cpu: 0 });
  return (await runPair(reader, writer))[0];
}
