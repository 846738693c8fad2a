// SPDX-License-Identifier: Apache-2.0
// Runs a model of this folder through spin: every interleaving, or the first that breaks a property.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectFolder } from "../support/runtime.ts";

const run = promisify(execFile);

/** Steps in a row that the search may take; the models need less than a thousand, and one that was cut short has failed. */
const DEPTH_MAX = 20_000;
/** Of the table of states, two to the power of it: the largest model has some millions. */
const HASH_BITS = 22;
const OUTPUT_BYTES_MAX = 16_000_000;

/** A thing that can be taken out of a model, which must then fail. */
export interface Mutant {
  readonly name: string;
  /** The name of the bounds that it needs; empty: those of the file. */
  readonly bounds: string;
  /** What is missing. */
  readonly without: string;
}

/** What a search came to. */
export interface Outcome {
  /** Whether every interleaving was looked at, with nothing left out. */
  readonly isComplete: boolean;
  /** The first property that was broken; empty when none was. */
  readonly violation: string;
  readonly states: number;
  readonly output: string;
}

function pathOf(model: string): string {
  return `${projectFolder}/tests/model/${model}`;
}

/** The table at the top of a model: what can be taken out of it. */
export function mutantsOf(model: string): Mutant[] {
  const table = readFileSync(pathOf(model), "utf8").matchAll(
    /^#define (\w+) \d+ \/\* without(?: \((.+)\))?: (.+) \*\/$/gm,
  );
  return [...table].map(([, name, bounds = "", without]) => ({ name: name!, bounds, without: without! }));
}

/**
 * Searches a model.
 *
 * @param definitions Its bounds, and WITHOUT for what is taken out.
 * @param isLong Whether all of it is expected to be searched. What soon finds a violation costs more to compile than to run.
 */
export async function search(model: string, definitions: readonly string[], isLong: boolean): Promise<Outcome> {
  const cwd = mkdtempSync(join(tmpdir(), "qaultra-model-"));
  try {
    const flags = definitions.map((definition) => `-D${definition}`);
    await run("spin", [...flags, "-a", pathOf(model)], { cwd });
    await run("cc", [isLong ? "-O2" : "-O0", "-w", "-DSAFETY", "-o", "pan", "pan.c"], { cwd });
    // -E: whoever sleeps at the end may do so; the judge of each model says when not.
    const { stdout } = await run(join(cwd, "pan"), ["-E", `-m${DEPTH_MAX}`, `-w${HASH_BITS}`], {
      cwd,
      maxBuffer: OUTPUT_BYTES_MAX,
    });
    const errors = /errors: (\d+)/.exec(stdout)?.[1];
    return {
      isComplete: errors === "0" && !/not completed|too small|out of memory|aborted/i.test(stdout),
      violation: /assertion violated (.*) \(at depth/.exec(stdout)?.[1] ?? "",
      states: Number(/(\d+) states, stored/.exec(stdout)?.[1]),
      output: stdout,
    };
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

/** Work that is done side by side and ahead of its turn: as much at a time as there are processors. */
export class Ahead<T> {
  readonly #works: readonly (() => Promise<T>)[];
  readonly #started: (Promise<T> | undefined)[] = [];
  readonly #waiting: (() => void)[] = [];
  #free = availableParallelism();

  constructor(works: readonly (() => Promise<T>)[]) {
    this.#works = works;
  }

  /** The result of one; has the next few begin too. */
  result(index: number): Promise<T> {
    const last = Math.min(index + 2 * availableParallelism(), this.#works.length - 1);
    for (let i = index; i <= last; i++) {
      if (this.#started[i] === undefined) (this.#started[i] = this.#do(this.#works[i]!)).catch(() => {});
    }
    return this.#started[index]!;
  }

  /** Resolves when nothing runs any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#started);
  }

  async #do(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
