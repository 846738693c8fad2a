// SPDX-License-Identifier: Apache-2.0
//
// The cells of `./x torn`, what they have come to so far, and the file that keeps it.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { ReadMode } from "../../mod.ts";
import type { UsedBytes } from "./pattern.ts";
import type { Side, TrialResult } from "./trial.ts";

/** Who reads, how, and who writes blocks of which size. */
export interface Cell {
  readonly runtime: Side;
  readonly mode: ReadMode;
  readonly writers: readonly Side[];
  readonly usedBytes: UsedBytes;
}

/** What a cell has come to, in all of its trials. */
export interface Row extends Cell {
  readonly id: string;
  /** Blocks that were handed out as whole, and were: each checked word by word. */
  blocks: number;
  laps: number;
  missed: number;
  /** Blocks that the reader knew to be torn; a script that copies does not count them apart from the missed ones. */
  tornDetected: number;
  /** Blocks that were handed out as whole and were not. */
  tornReported: number;
  stops: number;
  seconds: number;
  /** What did not add up. */
  faults: string[];
}

const MODES: readonly ReadMode[] = ["stable", "in-place"];
const USED_BYTES: readonly UsedBytes[] = [64, 8160];
/** Who writes one ring, and who two that are merged. */
const WRITERS: readonly (readonly (readonly Side[])[])[] = [
  [["c"], ["deno"], ["bun"]],
  [["c", "deno"], ["deno", "bun"], ["bun", "c"]],
];

/** The cells of these readers, those in one list that differ in their writers alone: together they read what is wanted. */
export function cellsOf(readers: readonly Side[]): Cell[][] {
  return readers.flatMap((runtime) =>
    MODES.flatMap((mode) =>
      USED_BYTES.flatMap((usedBytes) =>
        WRITERS.map((sets) => sets.map((writers) => ({ runtime, mode, writers, usedBytes })))
      )
    )
  );
}

const idOf = ({ runtime, mode, writers, usedBytes }: Cell): string =>
  `torn-${runtime}-${mode}-${writers.join("+")}-${usedBytes}`;

/** Rows by cell, kept in a file where there is one. */
export class Rows {
  readonly #rows = new Map<string, Row>();
  readonly #file: string | undefined;

  constructor(file: string | undefined) {
    this.#file = file;
    if (file === undefined || !existsSync(file)) return;
    for (const row of JSON.parse(readFileSync(file, "utf8")) as Row[]) this.#rows.set(row.id, row);
  }

  /** The row of a cell. */
  of(cell: Cell): Row {
    const id = idOf(cell);
    let row = this.#rows.get(id);
    if (row === undefined) {
      const nothing = { blocks: 0, laps: 0, missed: 0, tornDetected: 0, tornReported: 0, stops: 0, seconds: 0 };
      row = { id, ...cell, ...nothing, faults: [] };
      this.#rows.set(id, row);
    }
    return row;
  }

  /** Adds what a trial has come to. */
  add(cell: Cell, result: TrialResult): void {
    const row = this.of(cell);
    row.blocks += result.good;
    row.laps += result.laps;
    row.missed += result.missed;
    row.tornDetected += result.torn;
    row.tornReported += result.reported;
    row.stops += result.stops;
    row.seconds += result.seconds;
    row.faults.push(...result.faults);
    if (this.#file === undefined) return;
    // Whole or not at all: the run may be ended at any time.
    writeFileSync(`${this.#file}.new`, `${JSON.stringify([...this.#rows.values()], null, 2)}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }
}
