// SPDX-License-Identifier: Apache-2.0
// What a block of the corruption trials holds: every word follows from its sequence.

const LENGTHS: readonly number[] = [64, 1000, 8136];
const RECORDS = 100;

/** Data bytes of the block with this sequence. */
export function lengthOf(sequence: number): number {
  return LENGTHS[sequence % LENGTHS.length]!;
}

/** Records that it states. */
export function recordCountOf(sequence: number): number {
  return 1 + sequence % RECORDS;
}

/** Of all 64 bits of a sequence: a spoiled one must not pass for another. */
function seedOf(sequence: number): number {
  return Math.imul(sequence ^ 0x5bd1e995, 0x85ebca6b) ^ Math.imul(Math.floor(sequence / 2 ** 32), 0x27d4eb2f);
}

/** Fills in the data. */
export function fill(words: Int32Array, sequence: number): void {
  const count = lengthOf(sequence) >>> 2;
  const seed = seedOf(sequence);
  for (let index = 0; index < count; index++) words[index] = seed + Math.imul(index + 1, 0xc2b2ae35);
}

/** Whether data and count of records are those of the block with this sequence. */
export function isContentOf(data: Uint8Array, recordCount: number, sequence: number): boolean {
  if (data.length !== lengthOf(sequence) || recordCount !== recordCountOf(sequence)) return false;
  const words = new Int32Array(data.buffer, data.byteOffset, data.length >>> 2);
  const seed = seedOf(sequence);
  for (let index = 0; index < words.length; index++) {
    if (words[index] !== ((seed + Math.imul(index + 1, 0xc2b2ae35)) | 0)) return false;
  }
  return true;
}
