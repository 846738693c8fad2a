// SPDX-License-Identifier: Apache-2.0
import type { RuntimeName } from "../../tests/support/runtime.ts";
import type { Context, Report } from "./program.ts";

/** What is measured once in each turn. */
export type Contenders = Readonly<Record<string, () => Promise<Report>>>;

/**
 * Measures every contender once, one after the other, then again: a machine that slows down for a minute slows all of them.
 *
 * @returns The reports of each contender, one for each repetition.
 */
export async function takeTurns(
  id: string,
  context: Context,
  contenders: Contenders,
  repetitions: number = context.repetitions,
): Promise<Readonly<Record<string, readonly Report[]>>> {
  const reports: Record<string, Report[]> = {};
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const [name, measure] of Object.entries(contenders)) {
      context.progress(`${id}, repetition ${repetition + 1} of ${repetitions}: ${name}`);
      (reports[name] ??= []).push(await measure());
    }
  }
  return reports;
}

/** One contender for each runtime, by its name. */
export function eachRuntime(context: Context, measure: (runtime: RuntimeName) => Promise<Report>): Contenders {
  return Object.fromEntries(context.runtimes.map((runtime) => [runtime, () => measure(runtime)]));
}
