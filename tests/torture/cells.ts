// SPDX-License-Identifier: Apache-2.0
// The cells of the kill matrix.
import type { BroadcastConfigFields } from "../../mod.ts";
import type { RuntimeName } from "../support/runtime.ts";

/** Whom it happens to. */
export type Subject = "broadcaster" | "subscriber" | "both" | "roudi" | "root";

/** What happens. Of the root of iceoryx2: it is removed, or it is and all segments that belong to it. */
export type How = "SIGKILL" | "SIGTERM" | "SIGSTOP" | "throw" | "exit" | "memory" | "removed" | "wiped";

/** How blocks travel, and who is there beside our scripts. */
export type LaneName =
  | "ring-lossy"
  | "ring-lossless"
  | "queue"
  /** Block-producer queues. */
  | "queue-lossless"
  /** A raw iceoryx subscriber is attached, for which the broadcaster of the ring feeds the queue lane too. */
  | "ring-lossy+native"
  | "ring-lossless+native"
  /** RouDi is started and watched by the module. */
  | "ring-lossless+spawn"
  | "queue+spawn"
  /** Over iceoryx2, which has no daemon. */
  | "ring-lossy+iceoryx2"
  | "ring-lossless+iceoryx2"
  | "queue+iceoryx2"
  /** iceoryx without this module, in C. */
  | "raw";

/** One cell: the same fault, again and again, in one world. */
export interface Cell {
  readonly subject: Subject;
  readonly how: How;
  /** Blocks a second; 0: a tight loop. */
  readonly rate: number;
  readonly lane: LaneName;
  readonly runtime: RuntimeName | "c";
  /** Trials of a full run. */
  readonly trials: number;
}

const KEY_TRIALS = 100;
/** Many of these freeze RouDi, and each freeze is waited for. */
const RAW_TRIALS = 50;
const FURTHER_TRIALS = 10;
const PACED_RATE = 1000;
const RUNTIMES: readonly RuntimeName[] = ["deno", "bun"];
const LANES: readonly LaneName[] = ["ring-lossy", "ring-lossless", "queue"];
const KEY_FAULTS: readonly (readonly [Subject, How])[] = [
  ["broadcaster", "SIGKILL"],
  ["broadcaster", "SIGTERM"],
  ["subscriber", "SIGKILL"],
  ["roudi", "SIGKILL"],
];
const IOX2_LANES: readonly LaneName[] = ["ring-lossy+iceoryx2", "ring-lossless+iceoryx2", "queue+iceoryx2"];
const IOX2_KEY_FAULTS: readonly (readonly [Subject, How])[] = [
  ["broadcaster", "SIGKILL"],
  ["broadcaster", "SIGTERM"],
  ["subscriber", "SIGKILL"],
  ["both", "SIGKILL"],
  ["root", "removed"],
];
const IOX2_FURTHER_FAULTS: readonly (readonly [Subject, How])[] = [
  ["root", "wiped"],
  ["subscriber", "SIGTERM"],
  ["broadcaster", "SIGSTOP"],
  ["subscriber", "SIGSTOP"],
  ["broadcaster", "throw"],
  ["subscriber", "throw"],
  ["broadcaster", "exit"],
  ["subscriber", "exit"],
];
const FURTHER_FAULTS: readonly (readonly [Subject, How])[] = [
  ["subscriber", "SIGTERM"],
  ["both", "SIGKILL"],
  ["roudi", "SIGTERM"],
  ["broadcaster", "SIGSTOP"],
  ["subscriber", "SIGSTOP"],
  ["roudi", "SIGSTOP"],
  ["broadcaster", "throw"],
  ["subscriber", "throw"],
  ["broadcaster", "exit"],
  ["subscriber", "exit"],
  ["broadcaster", "memory"],
  ["subscriber", "memory"],
];

function cross(
  faults: readonly (readonly [Subject, How])[],
  lanes: readonly LaneName[],
  runtimes: readonly Cell["runtime"][],
  trials: number,
  rate: number = 0,
): Cell[] {
  return lanes.flatMap((lane) =>
    faults.flatMap(([subject, how]) => runtimes.map((runtime) => ({ subject, how, rate, lane, runtime, trials })))
  );
}

/** A raw world does not survive this, and each trial takes as long as it is waited for. */
const isCostlyRaw = ([subject, how]: readonly [Subject, How]): boolean => subject === "roudi" && how === "SIGKILL";

/** The cells that decide: every death in a tight loop, on every lane, in both runtimes. */
export const KEY_CELLS: readonly Cell[] = [
  ...cross(KEY_FAULTS, LANES, RUNTIMES, KEY_TRIALS),
  ...cross(IOX2_KEY_FAULTS, IOX2_LANES, RUNTIMES, KEY_TRIALS),
];

/** All cells, the key cells first. */
export const CELLS: readonly Cell[] = [
  ...KEY_CELLS,
  ...cross(KEY_FAULTS.filter((fault) => !isCostlyRaw(fault)), ["raw"], ["c"], RAW_TRIALS),
  ...cross(KEY_FAULTS.filter(isCostlyRaw), ["raw"], ["c"], FURTHER_TRIALS),
  ...cross(KEY_FAULTS.slice(0, 3), ["ring-lossy+native", "ring-lossless+native"], RUNTIMES, FURTHER_TRIALS),
  ...cross(KEY_FAULTS, ["queue-lossless", "queue+spawn", "ring-lossless+spawn"], RUNTIMES, FURTHER_TRIALS),
  ...cross(FURTHER_FAULTS, LANES, RUNTIMES, FURTHER_TRIALS),
  ...cross(
    FURTHER_FAULTS.filter(([, how]) => how.startsWith("SIG") && how !== "SIGSTOP"),
    ["raw"],
    ["c"],
    FURTHER_TRIALS,
  ),
  ...cross(KEY_FAULTS, LANES, RUNTIMES, FURTHER_TRIALS, PACED_RATE),
  ...cross(IOX2_FURTHER_FAULTS, IOX2_LANES, RUNTIMES, FURTHER_TRIALS),
];

/** The fault and the load of a cell, as the report names them. */
export function cellName({ subject, how, rate }: Cell): string {
  return `${subject}-${how}${rate > 0 ? "-paced" : ""}`;
}

/** A name of one cell alone. */
export function cellId(cell: Cell): string {
  return `${cellName(cell)}.${cell.lane}.${cell.runtime}`;
}

/** Whether a cell is meant by a part of `--only`: by its name, its lane, or all of its id as far as given. */
export function isMeant(cell: Cell, only: string): boolean {
  return [cellName(cell), cell.lane, `${cellName(cell)}.${cell.lane}`, cellId(cell)].includes(only);
}

/** Whether it runs over iceoryx2. */
export function isIox2({ lane }: Cell): boolean {
  return lane.endsWith("+iceoryx2");
}

/** Whether a freeze of it is ours alone: a ring whose broadcaster has nothing to do with iceoryx for a block, and all of iceoryx2. */
export function hasGoalZero(cell: Cell): boolean {
  return isIox2(cell) || (cell.lane.startsWith("ring") && !cell.lane.endsWith("+native"));
}

/** The configuration of both ends. */
export function configOf({ lane }: Cell): Partial<BroadcastConfigFields> {
  return {
    lane: lane.startsWith("queue") ? "queue" : "ring",
    delivery: lane.includes("lossless") ? "lossless" : "lossy",
  };
}
