// SPDX-License-Identifier: Apache-2.0
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Context, type Report, runPair, startWorker } from "../support/program.ts";
import { medians, type Row } from "../support/row.ts";

const PERCENTILES = ["p50", "p90", "p99", "p999", "max"] as const;
const NS_PER_US = 1000;
const RATIO_MAX = 0.5;
/** What Deno asks for a Unix-domain socket. */
const denoFlags = ["--allow-read", "--allow-write", "--allow-net"];

/** `wake`: from publishing to the first line of a parked `for await`, against a Unix-domain socket of the same runtime. */
export async function measureWake(id: string, context: Context): Promise<Row[]> {
  const rows: Row[] = [];
  const socket = join(tmpdir(), `qaultra-bench-${process.pid}.sock`);
  for (const runtime of context.runtimes) {
    const ours: Report[] = [];
    const floors: Report[] = [];
    const count = Math.round(3000 * context.scale);
    for (let repetition = 0; repetition < context.repetitions; repetition++) {
      context.progress(`${id} in ${runtime}, repetition ${repetition + 1} of ${context.repetitions}`);
      const options = { count, warmup: 500, "base-ms": Date.now() };
      const withSocket = { ...options, socket };
      rmSync(socket, { force: true });
      // The whole process on one CPU, ours and the floor alike: both wake through threads of their runtime, too.
      const server = startWorker(runtime, "wake_socket_in", withSocket, { cpu: 1, denoFlags });
      const client = () => startWorker(runtime, "wake_socket_out", withSocket, { cpu: 0, denoFlags });
      floors.push((await runPair(server, client))[0]);
      const subscriber = startWorker(runtime, "wake_in", options, { cpu: 1 });
      ours.push((await runPair(subscriber, () => startWorker(runtime, "wake_out", options, { cpu: 0 })))[0]);
    }
    const own = medians(ours, PERCENTILES);
    const floor = medians(floors, PERCENTILES);
    rows.push({
      id,
      runtime,
      unit: "us",
      value: own.p50 / NS_PER_US,
      floor: floor.p50 / NS_PER_US,
      ratio: own.p50 / floor.p50,
      samples: count * context.repetitions,
      note: "floor: a Unix-domain socket between two processes of this runtime",
      goal: `p50 <= ${RATIO_MAX}x`,
      met: own.p50 / floor.p50 <= RATIO_MAX,
      p50: own.p50 / NS_PER_US,
      p90: own.p90 / NS_PER_US,
      p99: own.p99 / NS_PER_US,
      p999: own.p999 / NS_PER_US,
      max: own.max / NS_PER_US,
      floorP50: floor.p50 / NS_PER_US,
      floorP99: floor.p99 / NS_PER_US,
      ratioP99: own.p99 / floor.p99,
    });
  }
  return rows;
}
