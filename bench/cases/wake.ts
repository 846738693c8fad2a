// SPDX-License-Identifier: Apache-2.0
import type { RuntimeName } from "../../tests/support/runtime.ts";
import { type Context, type Report, runPair, startWorker } from "../support/program.ts";
import { compare, fromComparisons, type Goal, medianPercentiles, type Row } from "../support/row.ts";
import { freshSocketPath, SOCKET_PERMISSIONS } from "../support/socket.ts";
import { type Contenders, takeTurns } from "../support/turns.ts";

const US_PER_NS = 1e-3;
const GOAL: Goal = { atMost: 0.5 };
const SOCKET = "Unix socket";

type Options = Readonly<Record<string, number | string>>;

interface Lane {
  readonly options: Options;
  readonly goal: Goal | null;
}

/** The lanes of each stack, by the id of their rows. On the queue lane of iceoryx2 nobody wakes: a thread looks now and then. */
const LANES: Readonly<Record<string, Readonly<Record<string, Lane>>>> = {
  wake: {
    wake: { options: { lane: "queue" }, goal: GOAL },
    "wake-ring": { options: { lane: "ring" }, goal: GOAL },
  },
  "iox2-wake": {
    "iox2-wake": { options: { lane: "queue", stack: "iceoryx2" }, goal: null },
    "iox2-wake-ring": { options: { lane: "ring", stack: "iceoryx2" }, goal: GOAL },
  },
};

/** `wake` and `iox2-wake`: from publishing to the first line of a parked `for await`, against a Unix-domain socket of the same runtime. */
export async function measureWake(id: string, context: Context): Promise<Row[]> {
  const options = { count: Math.round(3000 * context.scale), warmup: 500, wait: "park" };
  const contenders: Record<string, () => Promise<Report>> = {};
  const lanes = LANES[id];
  for (const runtime of context.runtimes) Object.assign(contenders, contendersOf(runtime, lanes, options));
  const reports = await takeTurns(id, context, contenders);
  return context.runtimes.flatMap((runtime) => {
    const floor = medianPercentiles(reports[`${runtime} ${SOCKET}`], US_PER_NS);
    return Object.entries(lanes).map(([row, { goal }]) => {
      const own = medianPercentiles(reports[`${runtime} ${row}`], US_PER_NS);
      return {
        id: row,
        runtime,
        unit: "us",
        value: own.p50,
        samples: options.count * context.repetitions,
        note: "floor: a Unix-domain socket between two processes of this runtime",
        ...fromComparisons([compare(`p50, ${SOCKET}`, own.p50, floor.p50, goal)]),
        ...own,
        floorP50: floor.p50,
        floorP99: floor.p99,
        ratioP99: own.p99 / floor.p99,
        curves: { [SOCKET]: floor },
      };
    });
  });
}

/** The measurements of one runtime, by "<runtime> <what>". */
function contendersOf(runtime: RuntimeName, lanes: Readonly<Record<string, Lane>>, options: Options): Contenders {
  return Object.fromEntries([
    [`${runtime} ${SOCKET}`, () => overSocket(runtime, options)],
    ...Object.entries(lanes).map((
      [row, lane],
    ) => [`${runtime} ${row}`, () => overLane(runtime, { ...options, ...lane.options })]),
  ]);
}

// The whole process on one CPU, ours and the floor alike: both wake through threads of their runtime, too.

async function overSocket(runtime: RuntimeName, options: Options): Promise<Report> {
  const withSocket = { ...options, "base-ms": Date.now(), socket: freshSocketPath() };
  const denoFlags = SOCKET_PERMISSIONS;
  const server = startWorker(runtime, "wake_socket_in", withSocket, { cpu: 1, denoFlags });
  const client = () => startWorker(runtime, "wake_socket_out", withSocket, { cpu: 0, denoFlags });
  return (await runPair(server, client))[0];
}

async function overLane(runtime: RuntimeName, options: Options): Promise<Report> {
  const stream = { ...options, "base-ms": Date.now() };
  const subscriber = startWorker(runtime, "wake_in", stream, { cpu: 1 });
  return (await runPair(subscriber, () => startWorker(runtime, "wake_out", stream, { cpu: 0 })))[0];
}
