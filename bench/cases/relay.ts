// SPDX-License-Identifier: Apache-2.0
import type { RuntimeName } from "../../tests/support/runtime.ts";
import { type Context, type Report, reportOf, startBinary, startWorker, TIMEOUT_MS } from "../support/program.ts";
import { compare, fromComparisons, median, medianPercentiles, type Row } from "../support/row.ts";
import { eachRuntime, takeTurns } from "../support/turns.ts";

const SERVICE = "Bench";
const STREAM = "floor_hop";
/** What floor_hop can be. */
const [PUBLISH, RECEIVE, COPY] = [0, 1, 2];
const US_PER_NS = 1e-3;
const RATE = 2000;
const LATENCY = { count: 10_000, warmup: 1000, rate: RATE, bytes: 8160, lossless: 0 };
const THROUGHPUT = { count: 200_000, warmup: 20_000, rate: 0, bytes: 8160, lossless: 1 };

type Options = Readonly<Record<string, number | string>>;

/**
 * `relay-latency`: C++ over iceoryx to Rust over iceoryx2 through the relay, one way, against one hop of iceoryx in C. The publisher's
 * going to sleep, which is in the way of whatever has the same CPU, is a part of it: a copier in C at the relay's place shows that.
 */
export async function measureRelayLatency(id: string, context: Context): Promise<Row[]> {
  const options = { ...LATENCY, count: Math.round(LATENCY.count * context.scale) };
  const reports = await takeTurns(id, context, {
    "C iceoryx": async () => {
      await using reader = startBinary("floor_hop", { ...options, role: RECEIVE, cpu: 1 });
      await reader.waitForLine("ready", { timeoutMs: TIMEOUT_MS });
      await using writer = startBinary("floor_hop", { ...options, role: PUBLISH, cpu: 0 });
      await reportOf(writer);
      return await reportOf(reader);
    },
    "C copier": async () => (await throughCopier(options, 0))[0],
    ...eachRuntime(context, async (runtime) => (await throughRelay(runtime, options))[0]),
  });
  const floor = medianPercentiles(reports["C iceoryx"], US_PER_NS);
  const copier = medianPercentiles(reports["C copier"], US_PER_NS);
  return context.runtimes.map((runtime) => {
    const own = medianPercentiles(reports[runtime], US_PER_NS);
    return {
      id,
      runtime,
      unit: "us",
      value: own.p50,
      samples: options.count * context.repetitions,
      note: `full blocks, ${RATE} a second`,
      ...fromComparisons([
        compare("p50, one hop of C iceoryx", own.p50, floor.p50, { atMost: 3 }),
        compare("p50, a C copier at the relay's place", own.p50, copier.p50),
      ]),
      ...own,
      floorP50: floor.p50,
      floorP99: floor.p99,
      ratioP99: own.p99 / floor.p99,
      curves: { "C iceoryx": floor, "C copier": copier },
    };
  });
}

/** `relay-throughput`: full blocks per second through the relay, against a C program that takes, copies and publishes. */
export async function measureRelayThroughput(id: string, context: Context): Promise<Row[]> {
  const options = { ...THROUGHPUT, count: Math.round(THROUGHPUT.count * context.scale) };
  const reports = await takeTurns(id, context, {
    "C copier": async () => (await throughCopier(options, 1))[1],
    ...eachRuntime(context, async (runtime) => (await throughRelay(runtime, options))[1]),
  });
  const rate = (name: string): number => median(reports[name].map(({ blocksPerSecond }) => blocksPerSecond));
  return context.runtimes.map((runtime) => ({
    id,
    runtime,
    unit: "blocks/s",
    value: rate(runtime),
    samples: options.count * context.repetitions,
    note: "reader and writer share the other CPU",
    ...fromComparisons([compare("C copier", rate(runtime), rate("C copier"), { atLeast: 0.8 })]),
  }));
}

/** The reports of the reader and of the copier. */
async function throughCopier(options: Options, writerCpu: number): Promise<[Report, Report]> {
  await using reader = startBinary("floor_hop", { ...options, role: RECEIVE, copied: 1, cpu: 1 });
  await reader.waitForLine("ready", { timeoutMs: TIMEOUT_MS });
  await using copier = startBinary("floor_hop", { ...options, role: COPY, cpu: 0 });
  await copier.waitForLine("ready", { timeoutMs: TIMEOUT_MS });
  await using writer = startBinary("floor_hop", { ...options, role: PUBLISH, cpu: writerCpu });
  const [report] = await Promise.all([reportOf(copier), reportOf(writer)]);
  return [await reportOf(reader), report];
}

/** The reports of the reader and of the relay. */
async function throughRelay(runtime: RuntimeName, options: Options): Promise<[Report, Report]> {
  const { count, warmup } = options;
  const where = { service: SERVICE, stream: STREAM };
  await using reader = startBinary("bench_iox2_receive", { ...where, count, warmup, cpu: 1 });
  await reader.waitForLine("ready", { timeoutMs: TIMEOUT_MS });
  await using relay = startWorker(runtime, "relay", { ...where, ...options, cpu: 0 });
  await relay.waitForLine("ready", { timeoutMs: TIMEOUT_MS });
  await using writer = startBinary("floor_hop", { ...options, role: PUBLISH, cpu: options.rate === 0 ? 1 : 0 });
  const [report] = await Promise.all([reportOf(relay), reportOf(writer)]);
  return [await reportOf(reader), report];
}
