// SPDX-License-Identifier: Apache-2.0

/** FNV-1a over bytes, going on from a sum so far, so that a reader can prove what it saw. */
export function checksum(bytes: Uint8Array, sum: number): number {
  let hash = sum === 0 ? 0x811c9dc5 : sum;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}
