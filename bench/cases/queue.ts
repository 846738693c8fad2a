// SPDX-License-Identifier: Apache-2.0
import type { RuntimeName } from "../../tests/support/runtime.ts";
import { type Context, type Report, runAlone, runPair, startBinary, startWorker } from "../support/program.ts";
import { medians, type Row } from "../support/row.ts";

const PERCENTILES = ["p50", "p90", "p99", "p999", "max"] as const;
const NS_PER_US = 1000;
const LATENCY_RATIO_MAX = 1.15;
const THROUGHPUT_RATIO_MIN = 0.9;

/** `queue-tick` and `queue-block`: one-way latency by ping-pong, against C. */
export async function measurePingPong(id: string, bytes: number, context: Context): Promise<Row[]> {
  const options = { bytes, count: Math.round(200_000 * context.scale), warmup: 20_000 };
  const ours = new Map<RuntimeName, Report[]>(context.runtimes.map((runtime) => [runtime, []]));
  const floors: Report[] = [];
  for (let repetition = 0; repetition < context.repetitions; repetition++) {
    context.progress(`${id}, repetition ${repetition + 1} of ${context.repetitions}`);
    floors.push(await runAlone(startBinary("floor_pingpong", { ...options, "cpu-ping": 0, "cpu-pong": 1 })));
    for (const runtime of context.runtimes) {
      const pong = startWorker(runtime, "pong", { ...options, cpu: 1 });
      const [, ping] = await runPair(pong, () => startWorker(runtime, "ping", { ...options, cpu: 0 }));
      ours.get(runtime)!.push(ping);
    }
  }
  const floor = medians(floors, PERCENTILES);
  return context.runtimes.map((runtime) => {
    const own = medians(ours.get(runtime)!, PERCENTILES);
    const ratio = own.p50 / floor.p50;
    const ratioP99 = own.p99 / floor.p99;
    return {
      id,
      runtime,
      unit: "us",
      value: own.p50 / NS_PER_US,
      floor: floor.p50 / NS_PER_US,
      ratio,
      samples: options.count * context.repetitions,
      note: "",
      goal: `p50, p99 <= ${LATENCY_RATIO_MAX}x C`,
      met: ratio <= LATENCY_RATIO_MAX && ratioP99 <= LATENCY_RATIO_MAX,
      p50: own.p50 / NS_PER_US,
      p90: own.p90 / NS_PER_US,
      p99: own.p99 / NS_PER_US,
      p999: own.p999 / NS_PER_US,
      max: own.max / NS_PER_US,
      floorP50: floor.p50 / NS_PER_US,
      floorP99: floor.p99 / NS_PER_US,
      ratioP99,
    };
  });
}

/** `queue-throughput`: full blocks per second, nothing lost, against C. */
export async function measureThroughput(id: string, context: Context): Promise<Row[]> {
  const options = { bytes: 8160, count: Math.round(300_000 * context.scale), warmup: 50_000 };
  const ours = new Map<RuntimeName, Report[]>(context.runtimes.map((runtime) => [runtime, []]));
  const floors: Report[] = [];
  for (let repetition = 0; repetition < context.repetitions; repetition++) {
    context.progress(`${id}, repetition ${repetition + 1} of ${context.repetitions}`);
    floors.push(
      await runAlone(startBinary("floor_throughput", { ...options, "cpu-publisher": 0, "cpu-subscriber": 1 })),
    );
    for (const runtime of context.runtimes) {
      const subscriber = startWorker(runtime, "flood_in", { ...options, cpu: 1 });
      const [received] = await runPair(subscriber, () => startWorker(runtime, "flood_out", { ...options, cpu: 0 }));
      ours.get(runtime)!.push(received);
    }
  }
  const floor = medians(floors, ["blocksPerSecond"]).blocksPerSecond;
  return context.runtimes.map((runtime) => {
    const value = medians(ours.get(runtime)!, ["blocksPerSecond"]).blocksPerSecond;
    return {
      id,
      runtime,
      unit: "blocks/s",
      value,
      floor,
      ratio: value / floor,
      samples: options.count * context.repetitions,
      note: "",
      goal: `>= ${THROUGHPUT_RATIO_MIN}x C`,
      met: value / floor >= THROUGHPUT_RATIO_MIN,
    };
  });
}
