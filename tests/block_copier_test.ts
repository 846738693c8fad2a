// SPDX-License-Identifier: Apache-2.0
// Copies of whole blocks, and what a relay writes into them.
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { BlockCopier, markRelayed } from "../src/block/block_copier.ts";
import * as header from "../src/block/header.ts";
import * as layout from "../src/block/layout.ts";
import type { Window } from "../src/block/window.ts";
import { BLOCK_SPACING, blockWindow } from "./support/blocks.ts";

const LENGTHS = [
  0,
  1,
  3,
  4,
  479,
  480,
  481,
  991,
  992,
  993,
  2015,
  2016,
  2017,
  4063,
  4064,
  4065,
  8135,
  8136,
  8137,
  8159,
  8160,
];

/** A block of bytes that tell their place, as a broadcaster leaves it. */
function fill(window: Window, offset: number, length: number, flags: number): void {
  for (let at = 0; at < layout.BLOCK_SIZE; at++) window.bytes[offset + at] = at * 7 + (at >>> 8) + length;
  header.writeHeader(window, offset, 4711, 3, 1, flags, length, 8, 0);
}

test("BlockCopier: header, data and trailer of each length arrive, and nothing beside the block or of its sequence is touched", () => {
  const copier = new BlockCopier();
  const from = blockWindow(3);
  for (const flags of [0, layout.FLAG_LENGTH, layout.FLAG_LENGTH | layout.FLAG_TRAILER]) {
    for (const length of LENGTHS) {
      for (const place of [0, 2]) {
        const to = blockWindow(3);
        const offset = place * BLOCK_SPACING;
        fill(from, offset, length, flags);
        const capacity = (flags & layout.FLAG_TRAILER) === 0 ? layout.BLOCK_DATA_SIZE : layout.TRAILER_OFFSET;
        const used = (flags & layout.FLAG_LENGTH) === 0 ? capacity : Math.min(length, capacity);
        assertEquals(copier.copy(from, offset, to, BLOCK_SPACING), used);
        const [begin, end] = [BLOCK_SPACING, BLOCK_SPACING + layout.BLOCK_SIZE];
        const part = (window: Window, at: number, first: number, count: number): Uint8Array =>
          window.bytes.slice(at + first, at + first + count);
        assertEquals(part(to, begin, 8, 24 + used), part(from, offset, 8, 24 + used), `${length} bytes`);
        if ((flags & layout.FLAG_TRAILER) !== 0) {
          assertEquals(part(to, begin, 8168, 24), part(from, offset, 8168, 24), `trailer of ${length} bytes`);
        }
        const around = [...to.bytes.subarray(0, begin + 8), ...to.bytes.subarray(end)];
        assertEquals(around.every((byte) => byte === 0xee), true, `around ${length} bytes`);
      }
    }
  }
});

test("markRelayed: the source is in the trailer where there is room, once, beside the checksum", () => {
  for (const length of LENGTHS) {
    const window = blockWindow(1);
    fill(window, 0, length, layout.FLAG_LENGTH);
    const before = window.bytes.slice();
    const isMarked = markRelayed(window, 0, 0x11111111, 0x22222222, 2 ** 40);
    assertEquals(isMarked, length <= layout.TRAILER_OFFSET, `${length} bytes`);
    if (!isMarked) {
      assertEquals(window.bytes, before);
      continue;
    }
    assertEquals([header.isRelayed(window, 0), header.usedLength(window, 0)], [true, length]);
    // Another relay changes nothing.
    assertEquals(markRelayed(window, 0, 1, 2, 3), true);
    assertEquals([header.readEpochLow(window, 0), header.readEpochHigh(window, 0)], [0x11111111, 0x22222222]);
    assertEquals([header.readSourceSequence(window, 0), header.readCrc32c(window, 0)], [2 ** 40, 0]);
  }
  const window = blockWindow(1);
  fill(window, 0, 64, layout.FLAG_LENGTH | layout.FLAG_TRAILER);
  header.writeTrailer(window, 0, 5, 6, 4711, 0xdeadbeef);
  assertEquals([header.isRelayed(window, 0), markRelayed(window, 0, 7, 8, 4711)], [false, true]);
  assertEquals([header.isRelayed(window, 0), header.readCrc32c(window, 0)], [true, 0xdeadbeef]);
  // Who states no length has no room that is known.
  fill(window, 0, 64, 0);
  assertEquals([markRelayed(window, 0, 7, 8, 9), header.readFlags(window, 0)], [false, 0]);
});
