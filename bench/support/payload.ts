// SPDX-License-Identifier: Apache-2.0
import { checksumMemory, sum } from "./checksum.ts";

/**
 * What the benches send and where they put what they receive, as `bench/floor/floor.h` has it: eight blocks of data, made
 * once; block `i` is payload `i mod 8` with `i` in its first word.
 */
const PAYLOADS = 8;
const STRIDE = 8192;
const RECEIVED_AT = PAYLOADS * STRIDE;

/** Payloads of one length and a place for one received block. */
export class Payload {
  /** Where a received block is copied to. */
  readonly received: Uint8Array;
  /** What the blocks claim to hold: ticks where the length is a multiple of their 72 bytes, else records of 8 bytes. */
  readonly recordCount: number;
  readonly #bytes: number;
  readonly #payloads: Uint8Array[] = [];
  readonly #words: Int32Array = new Int32Array(checksumMemory);

  /** @param bytes Used bytes of a block, a multiple of 4 up to 8160. */
  constructor(bytes: number) {
    this.#bytes = bytes;
    this.recordCount = bytes % 72 === 0 ? bytes / 72 : bytes / 8;
    for (let p = 0; p < PAYLOADS; p++) {
      this.#payloads.push(new Uint8Array(checksumMemory, p * STRIDE, bytes));
      for (let at = 0; at < bytes; at += 4) {
        this.#words[(p * STRIDE + at) >> 2] = Math.imul(p + 1, 0x9e3779b1) + Math.imul(at, 0x85ebca77);
      }
    }
    this.received = new Uint8Array(checksumMemory, RECEIVED_AT, bytes);
  }

  /** The payload of block `i`, with its number written into it. */
  at(i: number): Uint8Array {
    const p = i % PAYLOADS;
    this.#words[(p * STRIDE) >> 2] = i;
    return this.#payloads[p];
  }

  /** The checksum of what `at(i)` gave. */
  sumOf(i: number): number {
    const begin = (i % PAYLOADS) * STRIDE;
    return sum(begin, begin + this.#bytes);
  }

  /** The checksum of what lies in `received`. */
  sumReceived(): number {
    return sum(RECEIVED_AT, RECEIVED_AT + this.#bytes);
  }
}
