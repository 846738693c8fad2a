// SPDX-License-Identifier: Apache-2.0
// The calls that the fuzzer makes.
import type { Random } from "../support/random.ts";
import { LOOPING } from "./looping.ts";
import type { Machine } from "./machine.ts";
import { READING } from "./reading.ts";
import { RECORDS } from "./records.ts";
import { RUNNING } from "./running.ts";
import { WRITING } from "./writing.ts";

/** Takes the types away, as a JavaScript caller would have it. */
// deno-lint-ignore no-explicit-any -- the fuzzer passes what TypeScript refuses
export type Untyped = any;

/** One kind of call. */
export interface Call {
  /** How often it is made, compared with the others. */
  readonly weight: number;
  /** Whether it waits for the event loop, so that it is not made from inside of another. */
  readonly later?: boolean;
  make(machine: Machine, random: Random): void | Promise<void>;
}

/** All of them. */
export const CALLS: readonly Call[] = [...RUNNING, ...WRITING, ...READING, ...LOOPING, ...RECORDS];
