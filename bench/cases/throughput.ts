// SPDX-License-Identifier: Apache-2.0
import type { RuntimeName } from "../../tests/support/runtime.ts";
import { type Context, type Report, runAlone, runPair, startBinary, startWorker } from "../support/program.ts";
import { compare, fromComparisons, type Goal, median, type Row } from "../support/row.ts";
import { eachRuntime, takeTurns } from "../support/turns.ts";

/** Slots of the rings, of ours and of the plain floor: enough that neither side waits for the other at each block. */
const RING_SLOTS = 64;

/** One throughput bench and what it is compared with, the main floor first. */
interface Throughput {
  readonly bytes: number;
  readonly count: number;
  readonly stream: Readonly<Record<string, number | string>>;
  readonly floors: Readonly<Record<string, { readonly binary: string; readonly goal: Goal | null }>>;
}

const ICEORYX = "C iceoryx";
const PLAIN = "plain shared memory";
const iceoryx = (goal: Goal) => ({ binary: "floor_throughput", goal });
const plain = (goal: Goal | null) => ({ binary: "floor_plain_throughput", goal });
const ring = { lane: "ring", slots: RING_SLOTS };

const THROUGHPUTS: Readonly<Record<string, Throughput>> = {
  "queue-throughput": {
    bytes: 8160,
    count: 300_000,
    stream: { lane: "queue" },
    floors: { [ICEORYX]: iceoryx({ atLeast: 0.9 }) },
  },
  "ring-throughput-tick": {
    bytes: 72,
    count: 3_000_000,
    stream: ring,
    floors: { [ICEORYX]: iceoryx({ atLeast: 10 }), [PLAIN]: plain(null) },
  },
  "ring-throughput-block": {
    bytes: 8160,
    count: 500_000,
    stream: ring,
    floors: { [ICEORYX]: iceoryx({ atLeast: 3 }), [PLAIN]: plain({ atLeast: 0.8 }) },
  },
};

/** Blocks of C iceoryx at the most: it needs less of them for a figure, and more time for each. */
const ICEORYX_COUNT_MAX = 500_000;

/** Blocks per second from one process to another, nothing lost and everything checked, of the bench of this id. */
export async function measureThroughput(id: string, context: Context): Promise<Row[]> {
  const { bytes, stream, floors, ...rest } = THROUGHPUTS[id];
  const count = Math.round(rest.count * context.scale);
  const options = { bytes, count, warmup: 50_000 };
  const contenders: Record<string, () => Promise<Report>> = {};
  for (const [name, { binary }] of Object.entries(floors)) {
    contenders[name] = () => runAlone(startBinary(binary, floorOptions(binary, options)));
  }
  Object.assign(contenders, eachRuntime(context, (runtime) => flood(runtime, { ...options, ...stream })));
  const reports = await takeTurns(id, context, contenders);
  const rate = (name: string): number => median(reports[name].map((report) => report.blocksPerSecond));
  return context.runtimes.map((runtime) => ({
    id,
    runtime,
    unit: "blocks/s",
    value: rate(runtime),
    samples: count * context.repetitions,
    note: "",
    ...fromComparisons(
      Object.entries(floors).map(([name, { goal }]) => compare(name, rate(runtime), rate(name), goal)),
    ),
  }));
}

function floorOptions(
  binary: string,
  options: { readonly bytes: number; readonly count: number; readonly warmup: number },
): Record<string, number> {
  return binary === "floor_throughput"
    ? { ...options, count: Math.min(options.count, ICEORYX_COUNT_MAX), "cpu-publisher": 0, "cpu-subscriber": 1 }
    : { ...options, slots: RING_SLOTS, "cpu-writer": 0, "cpu-reader": 1 };
}

async function flood(runtime: RuntimeName, options: Readonly<Record<string, number | string>>): Promise<Report> {
  const stream = { ...options, delivery: "lossless" };
  const subscriber = startWorker(runtime, "flood_in", { ...stream, cpu: 1 });
  const [received] = await runPair(subscriber, () => startWorker(runtime, "flood_out", { ...stream, cpu: 0 }));
  return received;
}
