// SPDX-License-Identifier: Apache-2.0
//
// The blocks of `pattern.ts` written and compared word by word: every byte of ten million blocks in minutes. A test compares
// this with the plain statement of the pattern.
import {
  BASE_TIMESTAMP_NS,
  FULL_WORD_COUNT,
  type PatternKind,
  patternLength,
  patternRecordCount,
  TICK_BYTES,
} from "./pattern.ts";

const TWO_TO_32 = 4_294_967_296;
const TICK_WORDS = TICK_BYTES / 4;
const BASE_LOW = Number(BASE_TIMESTAMP_NS & 0xffffffffn);
const BASE_HIGH = Number(BASE_TIMESTAMP_NS >> 32n);
/** Symbols are "SYM" and four digits. */
const SYMBOLS = 10_000;
const symbolLow = new Int32Array(SYMBOLS);
const symbolHigh = new Int32Array(SYMBOLS);
for (let number = 0; number < SYMBOLS; number++) {
  const codes = [..."SYM" + String(number).padStart(4, "0")].map((character) => character.charCodeAt(0));
  symbolLow[number] = codes[0]! | codes[1]! << 8 | codes[2]! << 16 | codes[3]! << 24;
  symbolHigh[number] = codes[4]! | codes[5]! << 8 | codes[6]! << 16;
}

/** A view of the memory that blocks lie in. */
export class PatternMemory {
  #buffer: ArrayBufferLike;
  #words: Int32Array;
  #doubles: Float64Array;

  constructor(buffer: ArrayBufferLike = new ArrayBuffer(8192)) {
    this.#buffer = buffer;
    this.#words = new Int32Array(buffer);
    this.#doubles = new Float64Array(buffer);
  }

  /** Writes the used bytes of the block with this sequence at the beginning of `data`; returns how many they are. */
  fill(kind: PatternKind, sequence: number, data: Uint8Array): number {
    this.#look(data);
    const words = this.#words;
    let at = data.byteOffset >>> 2;
    if (kind === "full") {
      let word = Math.imul(sequence | 0, 0x9e3779b1);
      for (let i = 0; i < FULL_WORD_COUNT; i++, at++, word = (word + 0x85ebca77) | 0) words[at] = word;
      return FULL_WORD_COUNT * 4;
    }
    const doubles = this.#doubles;
    const count = patternRecordCount(kind, sequence);
    for (let i = 0; i < count; i++, at += TICK_WORDS) {
      const ns = BASE_LOW + 1000 * sequence + i;
      const last = sequence * 0.25 + i;
      const volume = 113 * sequence + i;
      const symbol = (sequence + i) % SYMBOLS;
      words[at] = ns;
      words[at + 1] = BASE_HIGH + Math.floor(ns / TWO_TO_32);
      const price = at >>> 1;
      doubles[price + 1] = last;
      doubles[price + 2] = last - 0.125;
      doubles[price + 3] = last + 0.125;
      words[at + 8] = volume;
      words[at + 9] = 0x80000000 + Math.floor(volume / TWO_TO_32);
      words[at + 10] = symbolLow[symbol]!;
      words[at + 11] = symbolHigh[symbol]!;
      for (let rest = at + 12; rest < at + TICK_WORDS; rest++) words[rest] = 0;
    }
    return count * TICK_BYTES;
  }

  /** Whether these are the used bytes of the block with this sequence, every one of them. */
  holds(kind: PatternKind, sequence: number, data: Uint8Array): boolean {
    if (data.byteLength !== patternLength(kind, sequence)) return false;
    this.#look(data);
    const words = this.#words;
    let at = data.byteOffset >>> 2;
    let differs = 0;
    if (kind === "full") {
      let word = Math.imul(sequence | 0, 0x9e3779b1);
      for (let i = 0; i < FULL_WORD_COUNT; i++, at++, word = (word + 0x85ebca77) | 0) differs |= words[at]! ^ word;
      return differs === 0;
    }
    const doubles = this.#doubles;
    const count = patternRecordCount(kind, sequence);
    for (let i = 0; i < count; i++, at += TICK_WORDS) {
      const ns = BASE_LOW + 1000 * sequence + i;
      const last = sequence * 0.25 + i;
      const volume = 113 * sequence + i;
      const symbol = (sequence + i) % SYMBOLS;
      differs |= words[at]! ^ ns | words[at + 1]! ^ (BASE_HIGH + Math.floor(ns / TWO_TO_32));
      const price = at >>> 1;
      if (doubles[price + 1] !== last || doubles[price + 2] !== last - 0.125 || doubles[price + 3] !== last + 0.125) {
        return false;
      }
      differs |= words[at + 8]! ^ volume | words[at + 9]! ^ (0x80000000 + Math.floor(volume / TWO_TO_32));
      differs |= words[at + 10]! ^ symbolLow[symbol]! | words[at + 11]! ^ symbolHigh[symbol]!;
      for (let rest = at + 12; rest < at + TICK_WORDS; rest++) differs |= words[rest]!;
    }
    return differs === 0;
  }

  /** The sum of `length` bytes as words, as both sides state it at their end. */
  checksum(data: Uint8Array, length: number): number {
    this.#look(data);
    const words = this.#words;
    const begin = data.byteOffset >>> 2;
    let sum = 0;
    for (let at = begin; at < begin + (length >>> 2); at++) sum = (sum + words[at]!) | 0;
    return sum >>> 0;
  }

  #look(data: Uint8Array): void {
    if (data.buffer === this.#buffer) return;
    this.#buffer = data.buffer;
    this.#words = new Int32Array(data.buffer);
    this.#doubles = new Float64Array(data.buffer);
  }
}
