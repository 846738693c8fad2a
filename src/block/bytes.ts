// SPDX-License-Identifier: Apache-2.0
// What a Uint8Array truly is. Its own class may say anything of its length, memory and parts, and a wrong length would be written
// into a header, or past the end of a block.

const prototype: object = Object.getPrototypeOf(Uint8Array.prototype);

function getterOf(name: string): () => unknown {
  return Object.getOwnPropertyDescriptor(prototype, name)!.get!;
}

const askLength = getterOf("length");
const askByteLength = getterOf("byteLength");
const askBuffer = getterOf("buffer");
const askOffset = getterOf("byteOffset");

/** What is no array of bytes. */
export const NO_BYTES = -1;

/**
 * Counts the bytes of an array of bytes.
 *
 * @param value Any value.
 * @returns How many it has, 0 when its memory was taken away, and NO_BYTES when it only calls itself a Uint8Array, or not even that.
 */
export function countBytes(value: unknown): number {
  if (!ArrayBuffer.isView(value) || !(value instanceof Uint8Array)) return NO_BYTES;
  try {
    const length = askLength.call(value) as number;
    return askByteLength.call(value) === length ? length : NO_BYTES;
  } catch {
    // A DataView with the prototype of another.
    return NO_BYTES;
  }
}

/**
 * A part of an array of bytes, of no other class than Uint8Array.
 *
 * @param bytes What has bytes.
 * @param from Where it begins.
 * @param length Its bytes, which have to be there, one at least.
 * @returns The view.
 */
export function partOf(bytes: Uint8Array, from: number, length: number): Uint8Array {
  return new Uint8Array(askBuffer.call(bytes) as ArrayBufferLike, (askOffset.call(bytes) as number) + from, length);
}
