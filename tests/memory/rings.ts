// SPDX-License-Identifier: Apache-2.0
// Rings of the memory stack for its tests, with what a reader would do to the word that it parks at.
import type { MemoryTransport } from "../../src/transport/memory_transport.ts";
import type { RingSettings, StreamName, TransportRing } from "../../src/transport/transport.ts";

const SETTINGS: RingSettings = {
  capacity: 16,
  entries: 4,
  maxSubscribers: 4,
  lossless: false,
  heartbeatIntervalMs: 1000,
  readerTimeoutMs: 1000,
  firstSequence: 0,
};

/** A small ring. */
export function newRing(
  transport: MemoryTransport,
  name: StreamName,
  settings: Partial<RingSettings> = {},
): TransportRing {
  return transport.createRing(name, { ...SETTINGS, ...settings });
}

/** The epoch of a ring as two words. */
export function epochOf(ring: TransportRing): [number, number] {
  const words = new Uint32Array(ring.data.buffer, ring.data.byteOffset + 24, 2);
  return [words[0]!, words[1]!];
}

/** The data word of a ring's reader table. */
export function dataWord(ring: TransportRing): Int32Array {
  return new Int32Array(ring.table.buffer, ring.table.byteOffset + 64, 1);
}

/** Raises the flag of the data word as a reader does that is about to park; returns the value that it then has. */
export function raiseFlag(ring: TransportRing): number {
  return Atomics.or(dataWord(ring), 0, 1) | 1;
}
