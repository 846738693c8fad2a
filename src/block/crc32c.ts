// SPDX-License-Identifier: Apache-2.0
//
// CRC-32C without the processor's instruction, eight bytes a step: where there is no native library.

const POLYNOMIAL = 0x82f63b78;
const TABLES = 8;

/** By table and byte: what a byte does to the sum when so many others follow it. One table after the other. */
const tables = new Int32Array(TABLES * 256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) !== 0 ? POLYNOMIAL : 0);
  tables[byte] = crc;
}
for (let index = 256; index < tables.length; index++) {
  const crc = tables[index - 256]!;
  tables[index] = (crc >>> 8) ^ tables[crc & 0xff]!;
}

/** The register before the first byte. The sum is the inverted register. */
export const CRC32C_BEGIN = -1;

/** The register after eight more bytes, given as two little-endian words. */
export function crc32cWords(register: number, first: number, second: number): number {
  const low = first ^ register;
  return tables[0x700 + (low & 0xff)]! ^ tables[0x600 + ((low >>> 8) & 0xff)]! ^
    tables[0x500 + ((low >>> 16) & 0xff)]! ^ tables[0x400 + (low >>> 24)]! ^
    tables[0x300 + (second & 0xff)]! ^ tables[0x200 + ((second >>> 8) & 0xff)]! ^
    tables[0x100 + ((second >>> 16) & 0xff)]! ^ tables[second >>> 24]!;
}

/** The register after one more byte. */
export function crc32cByte(register: number, byte: number): number {
  return (register >>> 8) ^ tables[(register ^ byte) & 0xff]!;
}
