// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RuntimeName } from "../../tests/support/runtime.ts";
import { type Context, type Report, runPair, startWorker } from "../support/program.ts";
import { medianPercentiles, type Row } from "../support/row.ts";
import { eachRuntime, takeTurns } from "../support/turns.ts";

const US_PER_NS = 1e-3;

type Options = Readonly<Record<string, number | string>>;

/** `json-pipe`: one-way latency of a tick as a line of JSON through a named pipe, by ping-pong between two processes. Nothing is asked. */
export async function measureJsonPipe(id: string, context: Context): Promise<Row[]> {
  const options = { count: Math.round(50_000 * context.scale), warmup: 5000 };
  const reports = await takeTurns(id, context, eachRuntime(context, (runtime) => exchange(runtime, options)));
  return context.runtimes.map((runtime) => {
    const percentiles = medianPercentiles(reports[runtime], US_PER_NS);
    return {
      id,
      runtime,
      unit: "us",
      value: percentiles.p50,
      floor: null,
      ratio: null,
      samples: options.count * context.repetitions,
      note: "JSON.stringify, writeSync, readSync, JSON.parse; what the other tick benches replace",
      goal: null,
      met: null,
      ...percentiles,
    };
  });
}

/** The whole process on one CPU: both ends sleep in the kernel until the other one has written. */
async function exchange(runtime: RuntimeName, options: Options): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), "qaultra-bench-"));
  try {
    const [there, back] = ["there", "back"].map((name) => join(folder, name));
    execFileSync("mkfifo", [there, back]);
    const pipes = { ...options, there, back };
    const denoFlags = ["--allow-read", "--allow-write"];
    const pong = startWorker(runtime, "json_pong", pipes, { cpu: 1, denoFlags });
    const [, ping] = await runPair(pong, () => startWorker(runtime, "json_ping", pipes, { cpu: 0, denoFlags }));
    return ping;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
