// SPDX-License-Identifier: Apache-2.0
// What the suite must be told about rings, of whatever stack.
import { BroadcastConfig, type BroadcastConfigFields } from "../../mod.ts";
import type { Lane } from "./lane.ts";

const SLOTS_MIN = 16;

/** The smallest ring with room for so many blocks. */
function slots(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(SLOTS_MIN, capacity)));
}

/** A lane of rings: all ends of a stream share the capacity, which is the broadcaster's. */
export function ringLane(
  name: string,
  delivery: "lossy" | "lossless",
  open: Lane["open"],
  spoil: Lane["spoil"],
  fixed: Partial<BroadcastConfigFields> = {},
): Lane {
  return {
    name,
    delivery,
    queueCapacityMin: SLOTS_MIN,
    queueCapacityMax: null,
    hasOwnCapacity: false,
    isVolatile: fixed.read === "in-place",
    keepsPast: true,
    historyMax: null,
    isOneQueue: false,
    loansMax: 1,
    hasPool: false,
    // A reader that was overtaken goes on an eighth of the ring after the oldest block, which is the next to be overwritten.
    keptAtLeast: (capacity) => slots(capacity) - Math.max(2, slots(capacity) / 8),
    takenAtMost: slots,
    config: ({ queueCapacity, ...fields } = {}) =>
      new BroadcastConfig({
        delivery,
        ...fields,
        ...(queueCapacity === undefined ? {} : { queueCapacity, bufferDepth: Math.max(SLOTS_MIN, queueCapacity) }),
        ...fixed,
      }),
    open,
    spoil,
  };
}
