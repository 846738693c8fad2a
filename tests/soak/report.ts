// SPDX-License-Identifier: Apache-2.0
// What people and programs are shown of a run.
import { alignColumns } from "../support/columns.ts";
import { type Check, COUNTS, growthOf, sentRecords } from "./checks.ts";
import type { Slope } from "./growth.ts";
import type { Sample, SoakResult } from "./soak.ts";
import { RECORDS_PER_BLOCK, STREAM_NAMES } from "./streams.ts";

const KIB_PER_MIB = 1024;

/** One row of `--json`. */
interface SoakRow {
  readonly id: string;
  readonly runtime: string;
  readonly unit: string;
  readonly value: number;
  readonly floor: null;
  readonly ratio: null;
  readonly samples: number;
  readonly note: string;
  readonly goal: string;
  readonly met: boolean | null;
}

/** A line about one moment. */
export function progressLine({ ms, sent, verified, missed, restarts, processes, shared }: Sample): string {
  const seconds = Math.round(ms / 1000);
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const blocks = STREAM_NAMES.reduce((sum, name) => sum + sent[name].blocks, 0);
  const memory = Object.values(processes).reduce((sum, { rss }) => sum + rss, 0) / KIB_PER_MIB;
  return `${time.padStart(6)}  sent ${millions(blocks)} M records, compared ${millions(verified)} M by all readers, ` +
    `${missed} blocks missed and counted, ${restarts} restarts, ${memory.toFixed(0)} MiB resident in ` +
    `${Object.keys(processes).length} processes, ${shared.files} files in /dev/shm`;
}

function millions(blocks: number): string {
  return (blocks * RECORDS_PER_BLOCK / 1e6).toFixed(1);
}

/** The tables at the end. */
export function formatResult(result: SoakResult, checks: readonly Check[]): string {
  const { faults, readings } = result;
  const processes = growthOf(result).map(({ process, rssMib, rss, own, last, rises }) => [
    process,
    rssMib.toFixed(1),
    slopeText(rss),
    slopeText(own),
    ...COUNTS.map((count) => `${last[count]} (${rises[count] > 0 ? "+" : ""}${rises[count]})`),
  ]);
  const readers = readings.map(({ name, lives, verified, missed, gaps, dropped }) => [
    name,
    ...[lives, verified * RECORDS_PER_BLOCK, missed, gaps, dropped].map((count) => count.toLocaleString("en-US")),
  ]);
  const notMet = checks.filter(({ met }) => met === false);
  const tooShort = checks.filter(({ met }) => met === null).length;
  return [
    "Processes after the warm-up: slopes with standard errors in MiB/h; counts at the end, and by how much the lowest rose",
    "",
    table([
      "process",
      "RSS MiB",
      "RSS slope",
      "without shm",
      "fds",
      "own threads",
      "shared maps",
      "threads",
      "maps",
    ], processes),
    "",
    "Readers",
    "",
    table(["reader", "lives", "records compared", "blocks missed", "gaps", "dropped"], readers),
    "",
    `Records sent: ${sentRecords(result).toLocaleString("en-US")}. Faults: ${faults.length}.`,
    ...faults.map((fault) => `FAULT ${fault}`),
    ...notMet.map(({ id, process, value, unit, goal }) => `NOT MET ${id}, ${process}: ${value} ${unit}, goal ${goal}`),
    `${checks.length - notMet.length - tooShort} goals met, ${notMet.length} not met` +
    (tooShort > 0 ? `, ${tooShort} not judged: the run was too short to tell` : ""),
  ].join("\n");
}

function slopeText(slope: Slope | null): string {
  return slope === null ? "" : `${slope.perHour.toFixed(2)} ± ${slope.error.toFixed(2)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return alignColumns([head, ...rows], (column) => column === 0, { rule: true }).join("\n");
}

/** The rows of `--json`. */
export function rowsOf(checks: readonly Check[]): SoakRow[] {
  return checks.map(({ id, process, unit, value, goal, met, samples }) => ({
    ...{ id, runtime: /\((deno|bun)\)/.exec(process)?.[1] ?? "", unit, value, floor: null, ratio: null, samples },
    ...{ note: process, goal, met },
  }));
}
