// SPDX-License-Identifier: Apache-2.0
import type { Transport } from "./transport.ts";

const TWO_TO_32 = 4_294_967_296;

/** The wall clock, for the times in blocks: written as two words of nanoseconds, without a bigint. */
export class PublishClock {
  readonly #sinceNs: (low: number, high: number) => number;
  /** A moment near the making of this clock: nanoseconds since it are small enough for exact doubles. */
  readonly #low: number;
  readonly #high: number;

  constructor(transport: Transport) {
    this.#sinceNs = transport.clockSinceNs;
    const now = BigInt(Date.now()) * 1_000_000n;
    this.#low = Number(now & 0xffffffffn);
    this.#high = Number(now >> 32n);
  }

  /** Writes the time now, the low half first. */
  write(words: Int32Array, at: number): void {
    const ns = this.#low + this.#sinceNs(this.#low, this.#high);
    words[at] = ns;
    words[at + 1] = this.#high + Math.floor(ns / TWO_TO_32);
  }
}
