// SPDX-License-Identifier: Apache-2.0
//
// What tells subscribers of a ring: 64 bytes, published once with a history of 1. `qaultra_ring_announcement` in
// c_shim/include/qaultra_ipc/ring_layout.h states the same.
import type { AnnouncedRing, RingNews } from "./transport.ts";

/** The event under which the rings of a stream are announced. */
export const RING_EVENT = "Ring";
export const ANNOUNCEMENT_BYTES = 64;
export const ANNOUNCEMENT_ALIGNMENT = 8;

const MAGIC_LOW = 0x4c554151;
const MAGIC_HIGH = 0x434e4e41;
const VERSION = 1;

/** Writes an announcement. */
export function encodeAnnouncement(view: DataView, ring: AnnouncedRing): void {
  view.setUint32(0, MAGIC_LOW, true);
  view.setUint32(4, MAGIC_HIGH, true);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, ring.flags, true);
  view.setUint32(16, ring.epochLow, true);
  view.setUint32(20, ring.epochHigh, true);
  view.setBigUint64(24, BigInt(ring.dataBytes), true);
  view.setBigUint64(32, BigInt(ring.tableBytes), true);
  view.setBigUint64(40, BigInt(ring.firstSequence), true);
  view.setBigUint64(48, ring.createdNs, true);
  view.setUint32(56, ring.origin.low, true);
  view.setUint32(60, ring.origin.high, true);
}

/** Reads an announcement; null when it is none, or of a version that this module does not know. */
export function decodeAnnouncement(view: DataView): RingNews | null {
  const isKnown = view.getUint32(0, true) === MAGIC_LOW && view.getUint32(4, true) === MAGIC_HIGH &&
    view.getUint32(8, true) === VERSION;
  if (!isKnown) return null;
  return {
    epochLow: view.getUint32(16, true),
    epochHigh: view.getUint32(20, true),
    origin: { low: view.getUint32(56, true), high: view.getUint32(60, true) },
  };
}
