// SPDX-License-Identifier: Apache-2.0
//
// Text fields: UTF-8 in N bytes, the rest filled with NUL; a text of exactly N bytes has none.

import type { Window } from "../window.ts";

const encoder = new TextEncoder();
/** Broken UTF-8 of a peer reads as replacement characters; a leading byte order mark is kept. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Sets of a cache, a power of two, and entries of each set. Beyond about 300 texts in use, reading allocates again. */
const CACHE_SETS = 256;
const CACHE_WAYS = 4;
const CACHE_ENTRIES = CACHE_SETS * CACHE_WAYS;
/** Longer fields are decoded anew at each reading. */
const CACHED_BYTES_MAX = 64;

/**
 * Strings of one text field, so that reading the same few texts again and again makes no new strings.
 *
 * A hash of the bytes picks the set of four entries where they can be, and the bytes are compared. A new text takes the place
 * of the four in turn.
 */
export class TextCache {
  readonly #size: number;
  readonly #cached: boolean;
  readonly #scratch: Uint8Array;
  #keys: Uint8Array | null = null;
  #lengths: Int32Array | null = null;
  #texts: string[] = [];
  #turn = 0;

  /**
   * Makes an empty cache; its memory is taken when the first text is read.
   *
   * @param size Bytes of the field.
   */
  constructor(size: number) {
    this.#size = size;
    this.#cached = size <= CACHED_BYTES_MAX;
    this.#scratch = new Uint8Array(size);
  }

  /**
   * The text at a place.
   *
   * @param bytes Memory.
   * @param at Where the field begins.
   * @returns The text up to the first NUL.
   */
  read(bytes: Uint8Array, at: number): string {
    if (!this.#cached) return this.#decode(bytes, at);
    let hash = 0;
    let length = 0;
    for (; length < this.#size; length++) {
      const byte = bytes[at + length]!;
      if (byte === 0) break;
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    if (this.#keys === null || this.#lengths === null) {
      this.#keys = new Uint8Array(CACHE_ENTRIES * this.#size);
      this.#lengths = new Int32Array(CACHE_ENTRIES);
      this.#texts = new Array<string>(CACHE_ENTRIES).fill("");
    }
    const keys = this.#keys;
    const lengths = this.#lengths;
    const first = ((hash ^ (hash >>> 15)) & (CACHE_SETS - 1)) * CACHE_WAYS;
    for (let entry = first; entry < first + CACHE_WAYS; entry++) {
      const key = entry * this.#size;
      let same = lengths[entry] === length;
      for (let i = 0; same && i < length; i++) same = keys[key + i] === bytes[at + i];
      if (same) return this.#texts[entry]!;
    }
    const text = this.#decode(bytes, at);
    // The key is taken from the copy that was decoded, because a writer may change the memory meanwhile.
    this.#turn = (this.#turn + 1) % CACHE_WAYS;
    const entry = first + this.#turn;
    const kept = this.#scratch.indexOf(0);
    lengths[entry] = kept < 0 ? this.#size : kept;
    keys.set(this.#scratch, entry * this.#size);
    this.#texts[entry] = text;
    return text;
  }

  /** Decodes a private copy: a decoder takes no shared memory. */
  #decode(bytes: Uint8Array, at: number): string {
    const scratch = this.#scratch;
    for (let i = 0; i < this.#size; i++) scratch[i] = bytes[at + i]!;
    const end = scratch.indexOf(0);
    return decoder.decode(end < 0 ? scratch : scratch.subarray(0, end));
  }
}

/**
 * Compares a text field without decoding it, as long as the text is ASCII.
 *
 * @param cache The cache of the field.
 * @param bytes Memory.
 * @param at Where the field begins.
 * @param size Bytes of the field.
 * @param text The text to compare with.
 * @returns Whether the field holds exactly this text.
 */
export function textEquals(cache: TextCache, bytes: Uint8Array, at: number, size: number, text: string): boolean {
  const length = text.length;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return cache.read(bytes, at) === text;
    if (i >= size || code === 0 || bytes[at + i] !== code) return false;
  }
  return length === size || (length < size && bytes[at + length] === 0);
}

/**
 * Writes a text field and fills what remains with NUL.
 *
 * @param window Memory.
 * @param at Where the field begins.
 * @param size Bytes of the field.
 * @param text The text.
 * @returns False, with the field in an undefined state, when it does not fit, holds a NUL, or is not well-formed Unicode.
 */
export function writeText(window: Window, at: number, size: number, text: string): boolean {
  const length = text.length;
  if (length > size) return false;
  const bytes = window.bytes;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0) return false;
    if (code > 0x7f) return writeUnicode(window, at, size, text);
    bytes[at + i] = code;
  }
  fillWithNul(window, at + length, at + size);
  return true;
}

function writeUnicode(window: Window, at: number, size: number, text: string): boolean {
  if (!text.isWellFormed() || text.includes("\0")) return false;
  const encoded = encoder.encode(text);
  if (encoded.length > size) return false;
  window.bytes.set(encoded, at);
  fillWithNul(window, at + encoded.length, at + size);
  return true;
}

/** Word by word where it can: most of a text field is filling, and byte by byte that was a third of writing a tick. */
function fillWithNul(window: Window, from: number, to: number): void {
  const { bytes, words } = window;
  let at = from;
  for (; at < to && (at & 3) !== 0; at++) bytes[at] = 0;
  for (; at + 4 <= to; at += 4) words[at >>> 2] = 0;
  for (; at < to; at++) bytes[at] = 0;
}

/**
 * The bytes that a text takes in UTF-8.
 *
 * @param text The text.
 * @returns Bytes.
 */
export function textBytes(text: string): number {
  return encoder.encode(text).length;
}
