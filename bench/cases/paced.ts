// SPDX-License-Identifier: Apache-2.0
import type { RuntimeName } from "../../tests/support/runtime.ts";
import { type Context, type Report, runPair, startWorker } from "../support/program.ts";
import { compare, fromComparisons, medianPercentiles, type Row } from "../support/row.ts";
import { freshSocketPath, SOCKET_PERMISSIONS } from "../support/socket.ts";
import { type Contenders, takeTurns } from "../support/turns.ts";

/** Blocks per second, how many of them are measured, and how the rate is written. */
const RATES = [
  { rate: 1000, count: 6000, name: "1k" },
  { rate: 10_000, count: 40_000, name: "10k" },
  { rate: 100_000, count: 300_000, name: "100k" },
];
/** The ways to wait, and in words. Those that park are to be faster than a socket. */
const WAYS = [
  { way: "spin", parked: false, words: "poll in a loop" },
  { way: "park", parked: true, words: "waitSync, parked" },
  { way: "await", parked: true, words: "for await, parked" },
];
const SOCKET = "Unix socket";
const PARKED_RATIO_MAX = 0.5;
const REPETITIONS_MAX = 5;
/** Lossless, so that no late block can be left out of the figures: a writer without room is late, which counts. */
const RING = { lane: "ring", delivery: "lossless", slots: 256 };
const US_PER_NS = 1e-3;
const WARMUP_SECONDS = 0.5;

/** `ring-paced`: how late blocks are that should be sent at fixed times, against a Unix-domain socket. */
export async function measurePaced(id: string, context: Context): Promise<Row[]> {
  const repetitions = Math.min(REPETITIONS_MAX, context.repetitions);
  const rows: Row[] = [];
  for (const { rate, name, ...rest } of RATES) {
    const options = { rate, count: Math.round(rest.count * context.scale), warmup: rate * WARMUP_SECONDS };
    const contenders: Record<string, () => Promise<Report>> = {};
    for (const runtime of context.runtimes) Object.assign(contenders, contendersOf(runtime, options));
    const reports = await takeTurns(`${id}-${name}`, context, contenders, repetitions);
    for (const runtime of context.runtimes) {
      const floor = medianPercentiles(reports[`${runtime} ${SOCKET}`], US_PER_NS);
      for (const { way, parked, words } of WAYS) {
        const own = medianPercentiles(reports[`${runtime} ${way}`], US_PER_NS);
        const goal = parked ? { atMost: PARKED_RATIO_MAX } : null;
        rows.push({
          id: `${id}-${name}-${way}`,
          runtime,
          unit: "us",
          value: own.p50,
          samples: options.count * repetitions,
          note: `${words}; lateness from the intended time of sending`,
          ...fromComparisons([compare(`p50, ${SOCKET}`, own.p50, floor.p50, goal)]),
          ...own,
          floorP50: floor.p50,
          floorP99: floor.p99,
          ratioP99: own.p99 / floor.p99,
          curves: { [SOCKET]: floor },
        });
      }
    }
  }
  return rows;
}

type Options = Readonly<Record<string, number | string>>;

/** The measurements of one runtime at one rate, by "<runtime> <way>". */
function contendersOf(runtime: RuntimeName, options: Options): Contenders {
  return Object.fromEntries([
    [`${runtime} ${SOCKET}`, () => overSocket(runtime, options)],
    ...WAYS.map(({ way, parked }) => [`${runtime} ${way}`, () => overRing(runtime, options, way, parked)]),
  ]);
}

async function overSocket(runtime: RuntimeName, options: Options): Promise<Report> {
  const withSocket = { ...options, "base-ms": Date.now(), socket: freshSocketPath() };
  const how = { denoFlags: SOCKET_PERMISSIONS };
  const server = startWorker(runtime, "paced_socket_in", withSocket, { ...how, cpu: 1 });
  const client = () => startWorker(runtime, "paced_socket_out", withSocket, { ...how, cpu: 0 });
  return (await runPair(server, client))[0];
}

async function overRing(runtime: RuntimeName, options: Options, way: string, parked: boolean): Promise<Report> {
  const stream = { ...options, ...RING, "base-ms": Date.now() };
  // A parked process wakes through threads of its runtime: all of them stay on one CPU, as those of the socket's do.
  const reader = parked
    ? startWorker(runtime, "paced_in", { ...stream, way, wait: "park" }, { cpu: 1 })
    : startWorker(runtime, "paced_in", { ...stream, way, cpu: 1 });
  return (await runPair(reader, () => startWorker(runtime, "paced_out", { ...stream, cpu: 0 })))[0];
}
