// SPDX-License-Identifier: Apache-2.0
import type { RuntimeName } from "../../tests/support/runtime.ts";
import { type Context, type Report, runAlone, runPair, startBinary, startWorker } from "../support/program.ts";
import { compare, fromComparisons, type Goal, medianPercentiles, type Row } from "../support/row.ts";
import { eachRuntime, takeTurns } from "../support/turns.ts";

const US_PER_NS = 1e-3;
/** Slots of the rings: as many as the plain floor has, so that both stay in the nearest caches. */
const RING_SLOTS = 16;

/** What is asked of a median or a 99th percentile, of one-way latencies. */
interface LatencyGoals {
  readonly p50: Goal | null;
  readonly p99: Goal | null;
}

/** One ping-pong and what it is compared with: the floors by name, the main one first. */
interface PingPong {
  readonly bytes: number;
  readonly work: "copy" | "flag";
  readonly stream: Readonly<Record<string, number | string>>;
  readonly note: string;
  readonly floors: Readonly<Record<string, { readonly binary: string; readonly goals: LatencyGoals }>>;
}

const ICEORYX = "C iceoryx";
const PLAIN = "plain shared memory";
const WORD = "bare word";
const QUEUE_GOALS: LatencyGoals = { p50: { atMost: 1.15 }, p99: { atMost: 1.15 } };
const NO_GOALS: LatencyGoals = { p50: null, p99: null };

const queue = { lane: "queue" };
const ring = { lane: "ring", slots: RING_SLOTS };

const PING_PONGS: Readonly<Record<string, PingPong>> = {
  "queue-tick": {
    bytes: 72,
    work: "copy",
    stream: queue,
    note: "",
    floors: { [ICEORYX]: { binary: "floor_pingpong", goals: QUEUE_GOALS } },
  },
  "queue-block": {
    bytes: 8160,
    work: "copy",
    stream: queue,
    note: "",
    floors: { [ICEORYX]: { binary: "floor_pingpong", goals: QUEUE_GOALS } },
  },
  "ring-tick": {
    bytes: 72,
    work: "copy",
    stream: { ...ring, read: "stable" },
    note: "lossy, stable",
    floors: {
      [ICEORYX]: { binary: "floor_pingpong", goals: { p50: { atMost: 0.2 }, p99: { atMost: 0.3 } } },
      [WORD]: { binary: "floor_word", goals: { p50: { atMost: 3 }, p99: null } },
      [PLAIN]: { binary: "floor_plain_pingpong", goals: NO_GOALS },
    },
  },
  "ring-block": {
    bytes: 8160,
    work: "copy",
    stream: { ...ring, read: "stable" },
    note: "lossy, stable",
    floors: {
      [ICEORYX]: { binary: "floor_pingpong", goals: { p50: { atMost: 0.58 }, p99: { atMost: 0.65 } } },
      [PLAIN]: { binary: "floor_plain_pingpong", goals: { p50: { atMost: 1.1 }, p99: null } },
    },
  },
  "ring-flag": {
    bytes: 8,
    work: "flag",
    stream: { ...ring, read: "in-place" },
    note: "lossy, in-place; C iceoryx touches 8 bytes, too",
    floors: {
      [ICEORYX]: { binary: "floor_pingpong", goals: { p50: { atMost: 0.15 }, p99: null } },
      [WORD]: { binary: "floor_word", goals: { p50: { atMost: 1.5 }, p99: null } },
    },
  },
};

/** One-way latency by ping-pong between two processes, of the bench of this id. */
export async function measurePingPong(id: string, context: Context): Promise<Row[]> {
  const { bytes, work, stream, note, floors } = PING_PONGS[id];
  const options = { bytes, count: Math.round(200_000 * context.scale), warmup: 20_000 };
  const contenders: Record<string, () => Promise<Report>> = {};
  for (const [name, { binary }] of Object.entries(floors)) {
    contenders[name] = () => runAlone(startBinary(binary, { ...options, "cpu-ping": 0, "cpu-pong": 1 }));
  }
  Object.assign(contenders, eachRuntime(context, (runtime) => exchange(runtime, { ...options, ...stream, work })));
  const reports = await takeTurns(id, context, contenders);

  const curves = Object.fromEntries(
    Object.keys(floors).map((name) => [name, medianPercentiles(reports[name], US_PER_NS)]),
  );
  return context.runtimes.map((runtime) => {
    const own = medianPercentiles(reports[runtime], US_PER_NS);
    const comparisons = Object.entries(floors).flatMap(([name, { goals }]) => [
      compare(`p50, ${name}`, own.p50, curves[name].p50, goals.p50),
      ...(goals.p99 === null ? [] : [compare(`p99, ${name}`, own.p99, curves[name].p99, goals.p99)]),
    ]);
    const floor = Object.values(curves)[0];
    return {
      id,
      runtime,
      unit: "us",
      value: own.p50,
      samples: options.count * context.repetitions,
      note,
      ...fromComparisons(comparisons),
      ...own,
      floorP50: floor.p50,
      floorP99: floor.p99,
      ratioP99: own.p99 / floor.p99,
      curves,
    };
  });
}

async function exchange(runtime: RuntimeName, options: Readonly<Record<string, number | string>>): Promise<Report> {
  const pong = startWorker(runtime, "pong", { ...options, cpu: 1 });
  const [, ping] = await runPair(pong, () => startWorker(runtime, "ping", { ...options, cpu: 0 }));
  return ping;
}
