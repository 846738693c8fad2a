// SPDX-License-Identifier: Apache-2.0
import { ArgumentError, UnsupportedError } from "../errors.ts";

/** The longest window: 1 GiB and 64 KiB, so that every byte offset in it is a small integer to both engines. */
export const WINDOW_BYTES_MAX = 1_073_807_360;

/** Spacing of cached data views: blocks never lie closer together than this, so each has an entry of its own. */
const SLOT_SHIFT = 13;

if (new Uint8Array(Uint32Array.of(1).buffer)[0] !== 1) {
  throw new UnsupportedError("load the block layout", {
    condition: "this machine is big-endian, and blocks are little-endian",
    remedy: "run on a little-endian machine such as x86-64 or arm64",
  });
}

/**
 * One area of memory that blocks lie in, with a view of it for each width.
 *
 * A block is named by (window, byte offset). The views are made once, because making one costs more than reading a block. All
 * windows have one hidden class, over an ArrayBuffer or a SharedArrayBuffer alike, so that code that reads them stays
 * monomorphic. The memory belongs to whoever made the window, and has to stay mapped while it is used.
 */
export class Window {
  /** Bytes. */
  readonly bytes: Uint8Array;
  /** Unsigned 32-bit words. */
  readonly words: Uint32Array;
  /** Signed 32-bit words. */
  readonly i32: Int32Array;
  /** 32-bit floats. */
  readonly f32: Float32Array;
  /** 64-bit floats. */
  readonly f64: Float64Array;
  /** Signed 64-bit integers. */
  readonly i64: BigInt64Array;
  /** Unsigned 64-bit integers. */
  readonly u64: BigUint64Array;
  /** For what is not aligned. */
  readonly view: DataView;
  /** Whether the memory may be written to. Writing to memory that is mapped read-only ends the process. */
  readonly writable: boolean;

  readonly #dataViews: (Uint8Array | null)[];
  readonly #base: number;

  /**
   * Views an area of memory.
   *
   * @param buffer The memory.
   * @param writable Whether it may be written to.
   * @param byteOffset Where the window begins in the buffer, a multiple of 8.
   * @param byteLength Bytes of the window, by default up to the end of the buffer.
   * @throws {ArgumentError} When the area is not within the buffer, is not aligned, or is longer than `WINDOW_BYTES_MAX`.
   */
  constructor(
    buffer: ArrayBufferLike,
    writable: boolean,
    byteOffset: number = 0,
    byteLength: number = buffer.byteLength - byteOffset,
  ) {
    const inside = Number.isInteger(byteOffset) && byteOffset >= 0 && byteOffset % 8 === 0 &&
      Number.isInteger(byteLength) && byteLength >= 0 && byteOffset + byteLength <= buffer.byteLength;
    if (!inside) {
      throw new ArgumentError("view a window of memory", {
        condition: `bytes ${byteOffset} to ${
          byteOffset + byteLength
        } are not inside, or do not begin at a multiple of 8`,
        limit: buffer.byteLength,
      });
    }
    if (byteLength > WINDOW_BYTES_MAX) {
      throw new ArgumentError("view a window of memory", {
        condition: "the window is too long",
        value: byteLength,
        limit: WINDOW_BYTES_MAX,
        remedy: "view the memory through several windows",
      });
    }
    this.bytes = new Uint8Array(buffer, byteOffset, byteLength);
    this.words = new Uint32Array(buffer, byteOffset, byteLength >>> 2);
    this.i32 = new Int32Array(buffer, byteOffset, byteLength >>> 2);
    this.f32 = new Float32Array(buffer, byteOffset, byteLength >>> 2);
    this.f64 = new Float64Array(buffer, byteOffset, byteLength >>> 3);
    this.i64 = new BigInt64Array(buffer, byteOffset, byteLength >>> 3);
    this.u64 = new BigUint64Array(buffer, byteOffset, byteLength >>> 3);
    this.view = new DataView(buffer, byteOffset, byteLength);
    this.writable = writable;
    this.#base = byteOffset;
    this.#dataViews = new Array<Uint8Array | null>((byteLength >>> SLOT_SHIFT) + 1).fill(null);
  }

  /**
   * A window over memory of its own, filled with zeros.
   *
   * @param byteLength Bytes.
   * @returns The window, writable.
   */
  static allocate(byteLength: number): Window {
    return new Window(new ArrayBuffer(byteLength), true);
  }

  /**
   * A view of bytes of one block, the same object again while it covers the same bytes.
   *
   * @param byteOffset Where it begins in the window.
   * @param length Bytes.
   * @returns The view, which is made anew only when the block at this place was asked for with other bounds before.
   */
  dataView(byteOffset: number, length: number): Uint8Array {
    const slot = byteOffset >>> SLOT_SHIFT;
    const cached = this.#dataViews[slot];
    if (cached && cached.length === length && cached.byteOffset === this.#base + byteOffset) return cached;
    const made = new Uint8Array(this.bytes.buffer, this.#base + byteOffset, length);
    this.#dataViews[slot] = made;
    return made;
  }

  /**
   * Makes every view of this window empty for ever, so that its memory can be unmapped. Only `transfer(0)` does this; other
   * ways of transferring hand the memory on. A window over a SharedArrayBuffer cannot be detached and is left as it is.
   */
  detach(): void {
    this.#dataViews.fill(null);
    const buffer = this.bytes.buffer;
    if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
  }
}
