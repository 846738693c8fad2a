// SPDX-License-Identifier: Apache-2.0
import type { RuntimeName } from "../../tests/support/runtime.ts";
import { type Context, type Report, runAlone, runPair, startBinary, startWorker } from "../support/program.ts";
import { TICKS } from "../support/decoding.ts";
import { median, medians, type Row } from "../support/row.ts";
import { eachRuntime, takeTurns } from "../support/turns.ts";

const MEBIBYTE = 2 ** 20;
const TICKS_PER_SECOND_MIN = 6e6;
const DECODE_TICKS_PER_SECOND_MIN = 60e6;
/** As many as one poll takes at the most. More would not fit where a processor looks for lines that lie 8192 bytes apart. */
const RING_SLOTS = 256;
const DECODE_RING_SLOTS = 64;
const TICK_BLOCK_BYTES = 8136;

/** `massive-*`: ticks per second to every one of many subscribers of one process, nothing lost. */
export async function measureMassive(id: string, subscribers: number, context: Context): Promise<Row[]> {
  const options = {
    ...{ count: Math.round(80_000 * context.scale), warmup: 5000, subscribers },
    ...{ lane: "ring", delivery: "lossless", slots: RING_SLOTS },
  };
  const floorOptions = { bytes: TICK_BLOCK_BYTES, count: 200_000, "cpu-publisher": 0, "cpu-subscriber": 1 };
  const reports = await takeTurns(id, context, {
    floor: () => runAlone(startBinary("floor_throughput", floorOptions)),
    ...eachRuntime(context, (runtime) => stream(runtime, "massive_in", options)),
  });
  const floor = median(reports.floor.map((report) => report.blocksPerSecond)) * TICKS;
  return context.runtimes.map((runtime) => {
    const keys = ["ticksPerSecond", "deliveriesPerSecond", "rss", "rssBefore"] as const;
    const own = medians(reports[runtime], keys);
    return {
      id,
      runtime,
      unit: "ticks/s",
      value: own.ticksPerSecond,
      floor,
      ratio: own.ticksPerSecond / floor,
      samples: options.count * context.repetitions,
      note: `to each of ${subscribers} subscribers; floor: C iceoryx, the same blocks to one subscriber`,
      goal: ">= 6 M",
      met: own.ticksPerSecond >= TICKS_PER_SECOND_MIN,
      figures: {
        "deliveries/s": own.deliveriesPerSecond,
        "resident memory of the reading process, MiB": own.rss / MEBIBYTE,
        "of which for the subscribers and their ring, MiB": (own.rss - own.rssBefore) / MEBIBYTE,
      },
    };
  });
}

/** `ring-decode`: ticks per second from another process, all fields of all of them read. */
export async function measureRingDecode(id: string, context: Context): Promise<Row[]> {
  const options = {
    ...{ count: Math.round(1_000_000 * context.scale), warmup: 100_000 },
    ...{ lane: "ring", delivery: "lossless", slots: DECODE_RING_SLOTS },
  };
  const floorOptions = { decode: 1, count: options.count, slots: DECODE_RING_SLOTS, "cpu-writer": 0, "cpu-reader": 1 };
  const reports = await takeTurns(id, context, {
    floor: () => runAlone(startBinary("floor_plain_throughput", floorOptions)),
    ...eachRuntime(context, (runtime) => stream(runtime, "ticks_in", options)),
  });
  const floor = median(reports.floor.map((report) => report.ticksPerSecond));
  return context.runtimes.map((runtime) => {
    const value = median(reports[runtime].map((report) => report.ticksPerSecond));
    return {
      id,
      runtime,
      unit: "ticks/s",
      value,
      floor,
      ratio: value / floor,
      samples: options.count * TICKS * context.repetitions,
      note: "floor: C, the same out of plain shared memory",
      goal: ">= 60 M",
      met: value >= DECODE_TICKS_PER_SECOND_MIN,
    };
  });
}

async function stream(
  runtime: RuntimeName,
  reader: string,
  options: Readonly<Record<string, number | string>>,
): Promise<Report> {
  const subscriber = startWorker(runtime, reader, { ...options, cpu: 1 });
  const [received] = await runPair(subscriber, () => startWorker(runtime, "ticks_out", { ...options, cpu: 0 }));
  return received;
}
