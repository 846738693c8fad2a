// SPDX-License-Identifier: Apache-2.0
// Blocks whose every byte follows from their sequence, made and checked without allocating, so that what is tested is the ring.
import { type Block, type DataBroadcaster, MarketDataType } from "../../mod.ts";

/** Data bytes of a block. */
export const PAYLOAD_BYTES = 64;

/** Writes the data of the block with this sequence. */
export function fillPayload(data: Uint8Array, sequence: number): void {
  for (let index = 0; index < PAYLOAD_BYTES; index++) data[index] = byteOf(sequence, index);
}

const shared = new Uint8Array(PAYLOAD_BYTES);

/** Broadcasts the next block; false when there is no room. */
export function sendNext(out: DataBroadcaster): boolean {
  fillPayload(shared, out.nextSequence);
  return out.broadcast(shared, 1, MarketDataType.Unknown);
}

/** Broadcasts blocks as long as there is room; returns how many were taken. */
export function sendAll(out: DataBroadcaster, count: number = Infinity): number {
  let sent = 0;
  while (sent < count && sendNext(out)) sent++;
  return sent;
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
