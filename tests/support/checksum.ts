// SPDX-License-Identifier: Apache-2.0
// CRC-32C once more, bit by bit, and where it lies in a block, so that the tests trust no code of the module.
import { assertEquals } from "@std/assert";
import type { Block } from "../../mod.ts";

const HEADER_BYTES = 32;
const TRAILER_OFFSET = 8136;
const FLAGS = 25;
const DATA_LENGTH = 26;
/** Length, trailer and checksum. */
const ALL_FLAGS = 7;

/** The CRC-32C of bytes. */
function crc32c(bytes: Uint8Array): number {
  let register = 0xffffffff;
  for (const byte of bytes) {
    register ^= byte;
    for (let bit = 0; bit < 8; bit++) register = (register >>> 1) ^ ((register & 1) !== 0 ? 0x82f63b78 : 0);
  }
  return ~register >>> 0;
}

/** All 8192 bytes of a block. */
export function wholeOf(block: Block): Uint8Array {
  const { buffer, byteOffset } = block.data;
  return new Uint8Array(buffer, byteOffset - HEADER_BYTES, 8192);
}

/** Whether a block has a checksum that is right, and the sequence that it says once more. */
export function hasChecksum(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const trailer = HEADER_BYTES + TRAILER_OFFSET;
  const length = view.getUint16(DATA_LENGTH, true);
  return view.getUint8(FLAGS) === ALL_FLAGS && length <= TRAILER_OFFSET &&
    view.getUint32(trailer + 16, true) === crc32c(bytes.subarray(8, HEADER_BYTES + length)) &&
    view.getBigUint64(trailer + 8, true) === view.getBigUint64(0, true);
}

/** Checks that a block has a checksum that is right, and a trailer that is otherwise as it should be. */
export function assertChecksum(block: Block): void {
  const bytes = wholeOf(block);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const trailer = HEADER_BYTES + TRAILER_OFFSET;
  const sum = crc32c(bytes.subarray(8, HEADER_BYTES + view.getUint16(DATA_LENGTH, true)));
  assertEquals([view.getUint8(FLAGS), view.getUint32(trailer + 16, true)], [ALL_FLAGS, sum]);
  assertEquals([view.getBigUint64(trailer, true), view.getUint32(trailer + 20, true)], [block.epoch, 0]);
}
