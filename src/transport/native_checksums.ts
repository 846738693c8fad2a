// SPDX-License-Identifier: Apache-2.0
import type { Native } from "../ffi/native.ts";
import type { NativeBuffer } from "../ffi/types.ts";
import type { BlockChecksums } from "./transport.ts";

const BLOCK_BYTES = 8192;
const SOUND = 1;

/** The checksums of blocks by the processor's instruction, in one call of the library. */
export class NativeChecksums implements BlockChecksums {
  readonly #native: Native;
  readonly #known = new WeakMap<Uint8Array, NativeBuffer>();
  /** Blocks come in runs from one window. */
  #last: Uint8Array | undefined;
  #lastNative: NativeBuffer | undefined;

  constructor(native: Native) {
    this.#native = native;
  }

  seal(bytes: Uint8Array, offset: number, sequenceLow: number, sequenceHigh: number): void {
    // The library cannot know where a window ends, nor that it was detached.
    if (bytes.length < offset + BLOCK_BYTES) return;
    const { symbols } = this.#native;
    symbols.qipc_block_seal(this.#nativeOf(bytes), bytes.byteOffset + offset, sequenceLow, sequenceHigh);
  }

  isSound(bytes: Uint8Array, offset: number): boolean {
    if (bytes.length < offset + BLOCK_BYTES) return false;
    return this.#native.symbols.qipc_block_check(this.#nativeOf(bytes), bytes.byteOffset + offset) === SOUND;
  }

  #nativeOf(bytes: Uint8Array): NativeBuffer {
    if (this.#last === bytes) return this.#lastNative!;
    let native = this.#known.get(bytes);
    if (native === undefined) {
      native = this.#native.bufferOf(bytes.buffer as ArrayBuffer);
      this.#known.set(bytes, native);
    }
    this.#last = bytes;
    this.#lastNative = native;
    return native;
  }
}
