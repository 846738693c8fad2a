// SPDX-License-Identifier: Apache-2.0
import { defineRecord, type RecordSchema } from "../../mod.ts";

/** What travels in each message of `ring-paced`: its number, and when it should have been sent, in nanoseconds. */
export const Paced: RecordSchema<{ readonly number: "f64"; readonly intendedNs: "f64" }> = defineRecord("BenchPaced", {
  number: "f64",
  intendedNs: "f64",
});

/** Bytes of a message. */
export const PACED_BYTES = 16;

/** From when the first message is planned until it is due. */
const LEAD_NS = 5e6;
const NS_PER_S = 1e9;

/** When each message should be sent, whatever became of those before it: nothing that is late makes the next one later. */
export class Schedule {
  readonly #beginNs: number;
  readonly #intervalNs: number;

  /**
   * @param nowNs What the clock shows.
   * @param rate Messages per second.
   */
  constructor(nowNs: number, rate: number) {
    this.#beginNs = nowNs + LEAD_NS;
    this.#intervalNs = NS_PER_S / rate;
  }

  /** The intended time of message `i`. */
  dueNs(i: number): number {
    return this.#beginNs + i * this.#intervalNs;
  }
}
