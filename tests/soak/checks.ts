// SPDX-License-Identifier: Apache-2.0
// What a run has to reach, and whether it did.
import { lowestOf, riseOf, type Slope, slopeOf } from "./growth.ts";
import type { Measure, ProcessUse } from "./sample.ts";
import type { SoakResult } from "./soak.ts";
import { RECORDS_PER_BLOCK, STREAM_NAMES } from "./streams.ts";

/** One figure with its goal. */
export interface Check {
  readonly id: string;
  readonly process: string;
  readonly unit: string;
  readonly value: number;
  readonly goal: string;
  /** Null where the run was too short to tell. */
  readonly met: boolean | null;
  readonly samples: number;
}

/** How one process fared after the warm-up. */
export interface Growth {
  readonly process: string;
  /** Of resident memory, and of it without shared memory; MiB an hour. */
  readonly rss: Slope | null;
  readonly own: Slope | null;
  /** Resident MiB at the end. */
  readonly rssMib: number;
  /** By how much the lowest number rose. */
  readonly rises: Readonly<Record<CountMeasure, number>>;
  readonly last: ProcessUse;
  readonly samples: number;
}

export type CountMeasure = Exclude<Measure, "rss" | "own">;
/** In the order of the columns. */
export const COUNTS: readonly CountMeasure[] = [
  "descriptors",
  "libraryThreads",
  "sharedMappings",
  "threads",
  "mappings",
];

const KIB_PER_MIB = 1024;
const MS_PER_HOUR = 3_600_000;
/** The part of a run in which memory may grow: compiled code, and shared memory that is touched for the first time. */
const WARM_UP = 1 / 6;
/** What is told from a shorter time after the warm-up is noise: slopes of memory, and how fast a busy machine was. */
const JUDGED_MS = 30 * 60_000;
/** Samples of which the lowest one counts. */
const LOWEST_OF = 6;
const SLOPE_GOAL = 1;
const RECORDS_GOAL = 1e9;
/** By how much the lowest number may rise. The collectors of the runtimes have threads and pieces of their heaps come and go. */
const RISES: Readonly<Record<CountMeasure, number>> = {
  descriptors: 0,
  libraryThreads: 0,
  sharedMappings: 0,
  threads: 4,
  mappings: 64,
};

/** What a run had after its warm-up. */
function warm({ samples }: SoakResult): SoakResult["samples"] {
  const last = samples.at(-1)?.ms ?? 0;
  return samples.filter(({ ms }) => ms >= last * WARM_UP);
}

/** How each process fared. */
export function growthOf(result: SoakResult): Growth[] {
  const samples = warm(result);
  const names = Object.keys(samples[0]?.processes ?? {});
  return names.map((process) => {
    const uses = samples.flatMap(({ ms, processes }) => {
      const use = processes[process];
      return use === undefined ? [] : [{ ms, use }];
    });
    const slope = (of: "rss" | "own"): Slope | null =>
      slopeOf(lowestOf(uses.map(({ ms, use }) => ({ ms, value: use[of] / KIB_PER_MIB })), LOWEST_OF));
    const rises = Object.fromEntries(COUNTS.map((count) => [count, riseOf(uses.map(({ use }) => use[count]))]));
    const last = uses.at(-1)!.use;
    return {
      process,
      rss: slope("rss"),
      own: slope("own"),
      rssMib: last.rss / KIB_PER_MIB,
      rises: rises as Record<CountMeasure, number>,
      last,
      samples: uses.length,
    };
  });
}

/** Records that were sent, over all streams. */
export function sentRecords({ samples }: SoakResult, at = samples.length - 1): number {
  const sent = samples[at]?.sent;
  return sent === undefined ? 0 : STREAM_NAMES.reduce((sum, name) => sum + sent[name].blocks, 0) * RECORDS_PER_BLOCK;
}

/** All figures that have a goal. */
export function checksOf(result: SoakResult): Check[] {
  const { samples, faults } = result;
  const growth = growthOf(result);
  const steady = warm(result);
  const spanMs = (samples.at(-1)?.ms ?? 0) - (samples[0]?.ms ?? 0);
  const warmMs = (steady.at(-1)?.ms ?? 0) - (steady[0]?.ms ?? 0);
  const isLong = warmMs >= JUDGED_MS;
  const rate = spanMs === 0 ? 0 : (sentRecords(result) - sentRecords(result, 0)) / spanMs * MS_PER_HOUR;
  const check = (
    id: string,
    process: string,
    unit: string,
    value: number,
    goal: string,
    met: boolean | null,
  ): Check => ({
    ...{ id, process, unit, value, goal, met },
    samples: steady.length,
  });
  const checks = [
    check("soak-faults", "all", "faults", faults.length, "none", faults.length === 0),
    check("soak-records", "writer", "records/h", rate, `>= ${RECORDS_GOAL}`, isLong ? rate >= RECORDS_GOAL : null),
  ];
  const shared = [["files", "files"], ["kib", "KiB"]] as const;
  for (const [field, unit] of shared) {
    const rise = riseOf(steady.map(({ shared }) => shared[field]));
    checks.push(check("soak-dev-shm", "/dev/shm", unit, rise, "<= 0", rise <= 0));
  }
  for (const { process, own, rises } of growth) {
    const slope = own?.perHour ?? 0;
    const met = isLong && own !== null ? slope <= SLOPE_GOAL : null;
    checks.push(check("soak-memory", process, "MiB/h", slope, `<= ${SLOPE_GOAL}`, met));
    for (const count of COUNTS) {
      const goal = `<= ${RISES[count]}`;
      checks.push(check(`soak-${count}`, process, "more", rises[count], goal, rises[count] <= RISES[count]));
    }
  }
  return checks;
}
