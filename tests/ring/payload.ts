// SPDX-License-Identifier: Apache-2.0
// Blocks whose every byte follows from their sequence, made and checked without allocating, so that what is tested is the ring.
import type { Block } from "../../mod.ts";

/** Data bytes of a block. */
export const PAYLOAD_BYTES = 64;

/** Writes the data of the block with this sequence. */
export function fillPayload(data: Uint8Array, sequence: number): void {
  for (let index = 0; index < PAYLOAD_BYTES; index++) data[index] = byteOf(sequence, index);
}

/** What is wrong with a block, or an empty text. */
export function faultOf(block: Block): string {
  const { sequence, data } = block;
  if (data.length !== PAYLOAD_BYTES) return `block ${sequence} has ${data.length} bytes`;
  for (let index = 0; index < PAYLOAD_BYTES; index++) {
    if (data[index] !== byteOf(sequence, index)) return `byte ${index} of block ${sequence} is ${data[index]}`;
  }
  return "";
}

function byteOf(sequence: number, index: number): number {
  return (sequence * 31 + index * 7 + (sequence >>> 8)) & 0xff;
}
