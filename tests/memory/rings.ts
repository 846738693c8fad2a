// SPDX-License-Identifier: Apache-2.0
// Rings of the memory stack for its tests, with what a reader would do to the word that it parks at.
import { assert, assertEquals } from "@std/assert";
import { SharedMemoryTooSmallError } from "../../src/errors.ts";
import type { MemoryTransport } from "../../src/transport/memory_transport.ts";
import type { RingFinder, RingOrigin, RingSettings, StreamName, TransportRing } from "../../src/transport/transport.ts";

export const NAME: StreamName = { service: "S", stream: "one" };
export const OTHER: StreamName = { service: "S", stream: "two" };
export const NO_ORIGIN: RingOrigin = { low: 0, high: 0 };

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

/** A ring that is announced. */
export function announced(transport: MemoryTransport, name: StreamName = NAME): TransportRing {
  const ring = newRing(transport, name);
  ring.announce(NO_ORIGIN);
  return ring;
}

/** The epochs of all news that there are. */
export function takeAll(finder: RingFinder): [number, number][] {
  const epochs: [number, number][] = [];
  for (let news = finder.next(); news !== null; news = finder.next()) {
    assertEquals(news.origin, NO_ORIGIN);
    epochs.push([news.epochLow, news.epochHigh]);
  }
  return epochs;
}

/** Whether a runtime with the smallest memory has all of it free: three rings of 16 slots fit, and no more. */
export function isEmpty(transport: MemoryTransport): boolean {
  const rings: TransportRing[] = [];
  try {
    for (let count = 0; count < 3; count++) rings.push(newRing(transport, { service: "probe", stream: "probe" }));
    return true;
  } catch (error) {
    assert(error instanceof SharedMemoryTooSmallError);
    return false;
  } finally {
    for (const ring of rings) ring.close();
  }
}
