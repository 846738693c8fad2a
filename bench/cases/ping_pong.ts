// SPDX-License-Identifier: Apache-2.0
import type { RuntimeName } from "../../tests/support/runtime.ts";
import { type Context, type Report, runAlone, runPair, startBinary, startWorker } from "../support/program.ts";
import type { Work } from "../support/exchange.ts";
import type { Percentiles } from "../support/histogram.ts";
import { compare, fromComparisons, type Goal, medianPercentiles, type Row } from "../support/row.ts";
import { takeTurns } from "../support/turns.ts";

const US_PER_NS = 1e-3;
/** Slots of the rings: as many as the plain floor has, so that both stay in the nearest caches. */
const RING_SLOTS = 16;

/** What is asked of a median or a 99th percentile, of one-way latencies. */
interface LatencyGoals {
  readonly p50: Goal | null;
  readonly p99: Goal | null;
}

type Options = Readonly<Record<string, number | string>>;

/** One ping-pong and what it is compared with: the floors by name, the main one first. */
interface PingPong {
  readonly bytes: number;
  /** How the ends are made and what they do with a block. */
  readonly own: Options & { readonly work: Work };
  /** The same in other ways, whose medians are told beside. */
  readonly variants?: Readonly<Record<string, Options>>;
  readonly note: string;
  readonly floors: Readonly<Record<string, { readonly binary: string; readonly goals: LatencyGoals }>>;
}

const ICEORYX = "C iceoryx";
const ICEORYX2 = "Rust iceoryx2";
const PLAIN = "plain shared memory";
const WORD = "bare word";
const QUEUE_GOALS: LatencyGoals = { p50: { atMost: 1.15 }, p99: { atMost: 1.15 } };
const NO_GOALS: LatencyGoals = { p50: null, p99: null };

const queue = { lane: "queue", work: "copy" } as const;
const ring = { lane: "ring", slots: RING_SLOTS, read: "stable", work: "lent" } as const;
/** A lossy ring that is read `stable` hands out a copy; a lossless one the memory of the ring. */
const STABLE_VARIANTS = {
  "p50 when the handler copies the copy": { work: "copy" },
  "p50 on a lossless ring, copied by the handler": { work: "copy", delivery: "lossless" },
};
const ICEORYX2_FLOOR = "floor_iox2_pingpong";
const STABLE_NOTE = "lossy, stable: the lane copies out, the handler uses that copy";

const PING_PONGS: Readonly<Record<string, PingPong>> = {
  "queue-tick": {
    bytes: 72,
    own: queue,
    note: "",
    floors: { [ICEORYX]: { binary: "floor_pingpong", goals: QUEUE_GOALS } },
  },
  "queue-block": {
    bytes: 8160,
    own: queue,
    note: "",
    floors: { [ICEORYX]: { binary: "floor_pingpong", goals: QUEUE_GOALS } },
  },
  "ring-tick": {
    bytes: 72,
    own: ring,
    variants: STABLE_VARIANTS,
    note: STABLE_NOTE,
    floors: {
      [ICEORYX]: { binary: "floor_pingpong", goals: { p50: { atMost: 0.2 }, p99: { atMost: 0.3 } } },
      [WORD]: { binary: "floor_word", goals: { p50: { atMost: 3 }, p99: null } },
      [PLAIN]: { binary: "floor_plain_pingpong", goals: NO_GOALS },
    },
  },
  "ring-block": {
    bytes: 8160,
    own: ring,
    variants: STABLE_VARIANTS,
    note: STABLE_NOTE,
    floors: {
      [ICEORYX]: { binary: "floor_pingpong", goals: { p50: { atMost: 0.58 }, p99: { atMost: 0.65 } } },
      [PLAIN]: { binary: "floor_plain_pingpong", goals: { p50: { atMost: 1.1 }, p99: null } },
    },
  },
  "ring-flag": {
    bytes: 8,
    own: { ...ring, read: "in-place", work: "flag" },
    note: "lossy, in-place; C iceoryx touches 8 bytes, too",
    floors: {
      [ICEORYX]: { binary: "floor_pingpong", goals: { p50: { atMost: 0.15 }, p99: null } },
      [WORD]: { binary: "floor_word", goals: { p50: { atMost: 1.5 }, p99: null } },
    },
  },
  "iox2-queue-tick": {
    bytes: 72,
    own: { ...queue, stack: "iceoryx2" },
    note: "",
    floors: { [ICEORYX2]: { binary: ICEORYX2_FLOOR, goals: { p50: { atMost: 1.35 }, p99: null } } },
  },
  "iox2-ring-tick": {
    bytes: 72,
    own: { ...ring, stack: "iceoryx2" },
    note: STABLE_NOTE,
    floors: { [ICEORYX2]: { binary: ICEORYX2_FLOOR, goals: { p50: { atMost: 0.5 }, p99: null } } },
  },
};

/** One-way latency by ping-pong between two processes, of the bench of this id. */
export async function measurePingPong(id: string, context: Context): Promise<Row[]> {
  const { bytes, own, variants = {}, note, floors } = PING_PONGS[id];
  const options = { bytes, count: Math.round(200_000 * context.scale), warmup: 20_000 };
  const contenders: Record<string, () => Promise<Report>> = {};
  for (const [name, { binary }] of Object.entries(floors)) {
    contenders[name] = () => runAlone(startBinary(binary, { ...options, "cpu-ping": 0, "cpu-pong": 1 }));
  }
  for (const runtime of context.runtimes) {
    contenders[runtime] = () => exchange(runtime, { ...options, ...own });
    for (const [name, variant] of Object.entries(variants)) {
      contenders[`${runtime}, ${name}`] = () => exchange(runtime, { ...options, ...own, ...variant });
    }
  }
  const reports = await takeTurns(id, context, contenders);

  const percentilesOf = (name: string): Percentiles => medianPercentiles(reports[name], US_PER_NS);
  const curves = Object.fromEntries(Object.keys(floors).map((name) => [name, percentilesOf(name)]));
  return context.runtimes.map((runtime) => {
    const percentiles = percentilesOf(runtime);
    const comparisons = Object.entries(floors).flatMap(([name, { goals }]) => [
      compare(`p50, ${name}`, percentiles.p50, curves[name].p50, goals.p50),
      ...(goals.p99 === null ? [] : [compare(`p99, ${name}`, percentiles.p99, curves[name].p99, goals.p99)]),
    ]);
    const figures = Object.fromEntries(
      Object.keys(variants).map((name) => [name, percentilesOf(`${runtime}, ${name}`).p50]),
    );
    const floor = Object.values(curves)[0];
    return {
      id,
      runtime,
      unit: "us",
      value: percentiles.p50,
      samples: options.count * context.repetitions,
      note,
      ...fromComparisons(comparisons),
      ...percentiles,
      floorP50: floor.p50,
      floorP99: floor.p99,
      ratioP99: percentiles.p99 / floor.p99,
      curves,
      figures,
    };
  });
}

async function exchange(runtime: RuntimeName, options: Options): Promise<Report> {
  const pong = startWorker(runtime, "pong", { ...options, cpu: 1 });
  const [, ping] = await runPair(pong, () => startWorker(runtime, "ping", { ...options, cpu: 0 }));
  return ping;
}
