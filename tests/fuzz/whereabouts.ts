// SPDX-License-Identifier: Apache-2.0
// Where each thread is, in memory that the others can read: a thread that hangs cannot tell.

/** Bytes of one thread: the index of its call, and the call's name. */
const ENTRY_BYTES = 64;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The place of one thread. */
export class Whereabouts {
  readonly #index: Int32Array;
  readonly #name: Uint8Array;

  constructor(memory: SharedArrayBuffer, thread: number) {
    this.#index = new Int32Array(memory, thread * ENTRY_BYTES, 1);
    this.#name = new Uint8Array(memory, thread * ENTRY_BYTES + 4, ENTRY_BYTES - 4);
  }

  static memory(threads: number): SharedArrayBuffer {
    return new SharedArrayBuffer(threads * ENTRY_BYTES);
  }

  /** This thread is about to make a call. */
  enter(index: number, name: string): void {
    this.#index[0] = index;
    this.#name.set(encoder.encode(name).subarray(0, this.#name.length));
    if (name.length < this.#name.length) this.#name[name.length] = 0;
  }

  toString(): string {
    const name = this.#name.slice();
    const end = name.indexOf(0);
    return `call ${this.#index[0]}: ${decoder.decode(end < 0 ? name : name.subarray(0, end))}`;
  }
}
