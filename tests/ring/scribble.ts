// SPDX-License-Identifier: Apache-2.0
// Overwrites words of a ring, where it hurts.
import * as layout from "../../src/ring/layout.ts";
import type { Random } from "../support/random.ts";
import type { RingMemory } from "./raw_ring.ts";

/** Numbers that make trouble where random ones seldom do. */
function troublesome(random: Random, memory: RingMemory): number {
  const head = memory.data[layout.RING_OFFSET_HEAD_LOW / 4]!;
  return random.pick([
    random.bits(),
    0,
    1,
    2,
    3,
    4,
    random.integer(0, 300),
    0xffffffff,
    0xffffffff - random.integer(0, 20),
    0x7fffffff,
    0x80000000,
    0x1fffff,
    0x200000,
    head,
    head - 1,
    head + 1,
    head - random.integer(0, 2 * memory.capacity),
    head + memory.capacity,
    head ^ 0x80000000,
    random.integer(0, 0xffff) << 16 | random.integer(0, 0xffff),
    // A description with flags for length and trailer, and any length.
    (random.bits() & 0xffff0300) >>> 0,
  ]) >>> 0;
}

/** Overwrites one word, where a reader or the writer may look next. */
export function scribble(random: Random, memory: RingMemory): void {
  const { data, table } = memory;
  const value = troublesome(random, memory);
  switch (random.integer(0, 9)) {
    case 0:
      data[random.integer(0, 1023)] = value;
      break;
    case 1:
      data[32 + random.integer(0, 2)] = value;
      break;
    case 2:
      data[layout.RING_OFFSET_STATE / 4 - random.integer(0, 1)] = value;
      break;
    case 3:
    case 4:
      // A stamp, its high half or what describes the data.
      data[memory.slot(random.integer(0, memory.capacity - 1)) + random.integer(0, 7)] = value;
      break;
    case 5:
      data[random.integer(1024, data.length - 1)] = value;
      break;
    case 6:
      table[random.pick([16, 32, 48, 49, 50])] = value;
      break;
    case 7:
      // State, owner, cursor and heartbeat of an entry; the state most of all.
      table[memory.entry(random.integer(0, 2)) + random.pick([0, 0, 0, 1, 2, 2, 3, 4, 6, 8])] = value;
      break;
    case 8:
      table[random.integer(0, table.length - 1)] = value;
      break;
    case 9: {
      // Blocks that look right, as of a writer that is elsewhere.
      const near = memory.head + random.integer(0, 4 * memory.capacity) - 2 * memory.capacity;
      const first = Math.max(0, random.pick([near, near, near + 2 ** 31, near + 2 ** 32, random.bits()]));
      for (let count = random.integer(1, memory.capacity); count > 0; count--) memory.setBlock(first + count);
      if (random.integer(0, 1) === 0) memory.setHead(first + random.integer(0, 2 * memory.capacity));
    }
  }
}
