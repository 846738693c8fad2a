// SPDX-License-Identifier: Apache-2.0
import { assert, assertEquals } from "@std/assert";
import { describe, test } from "node:test";
import * as header from "../src/block/header.ts";
import { BLOCK_DATA_SIZE, FLAG_CHECKSUM, FLAG_LENGTH, FLAG_TRAILER, TRAILER_OFFSET } from "../src/block/layout.ts";
import { Window } from "../src/block/window.ts";
import { Random } from "./support/random.ts";

const OFFSET = 8320;

function dirtyWindow(): Window {
  const window = Window.allocate(3 * 8320);
  window.bytes.fill(0xa5);
  return window;
}

describe("writeHeader", () => {
  test("writeHeader writes every field at its C offset and leaves timestamp and data alone", () => {
    const window = dirtyWindow();
    header.writeHeader(window, OFFSET, 2 ** 40 + 7, 113, 4, FLAG_LENGTH | FLAG_TRAILER, 8136, 72, 0xbeef);
    const view = new DataView(window.bytes.buffer, OFFSET);
    assertEquals(view.getBigUint64(0, true), 2n ** 40n + 7n);
    assertEquals(view.getBigUint64(8, true), 0xa5a5a5a5a5a5a5a5n);
    assertEquals(view.getBigUint64(16, true), 113n);
    assertEquals([view.getUint8(24), view.getUint8(25)], [4, 3]);
    assertEquals([26, 28, 30].map((at) => view.getUint16(at, true)), [8136, 72, 0xbeef]);
    assertEquals([window.bytes[OFFSET - 1], view.getUint8(32)], [0xa5, 0xa5]);
  });

  test("writeHeader and the readers agree on random values", () => {
    const random = new Random(1);
    const window = dirtyWindow();
    for (let i = 0; i < 2000; i++) {
      const sequence = Number(random.bits64() & 0x1fffffffffffffn);
      const count = Number(random.bits64() & 0x1fffffffffffffn);
      const [dataType, size, id] = [random.integer(0, 255), random.integer(0, 65535), random.integer(0, 65535)];
      const length = random.integer(0, BLOCK_DATA_SIZE);
      header.writeHeader(window, OFFSET, sequence, count, dataType, FLAG_LENGTH, length, size, id);
      assertEquals(header.readSequence(window, OFFSET), sequence);
      assertEquals(header.readRecordCount(window, OFFSET), count);
      assertEquals(header.readDataType(window, OFFSET), dataType);
      assertEquals(header.readFlags(window, OFFSET), FLAG_LENGTH);
      assertEquals([header.readRecordSize(window, OFFSET), header.readSchemaId(window, OFFSET)], [size, id]);
      assertEquals(header.readSchemaWord(window, OFFSET), id * 65536 + size);
      assertEquals(header.usedLength(window, OFFSET), length);
    }
  });
});

describe("writeSequence", () => {
  test("writeSequence is exact up to 2^53 - 1", () => {
    const window = dirtyWindow();
    for (const sequence of [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 2, 2 ** 53 - 1]) {
      header.writeSequence(window, OFFSET, sequence);
      assertEquals(window.u64[OFFSET / 8], BigInt(sequence));
      assertEquals(header.readSequence(window, OFFSET), sequence);
    }
  });
});

describe("readTimestampMs", () => {
  test("readTimestampMs is the exact nanoseconds divided by 10^6", () => {
    const random = new Random(2);
    const window = dirtyWindow();
    for (let i = 0; i < 2000; i++) {
      const ns = random.bits64();
      header.writeTimestamp(window, OFFSET, Number(ns & 0xffffffffn), Number(ns >> 32n));
      assertEquals(header.readTimestampNs(window, OFFSET), ns);
      assertEquals(header.readTimestampMs(window, OFFSET), Number(ns) / 1e6);
    }
  });
});

describe("usedLength", () => {
  test("usedLength of a block without stated length is count times record size, or everything", () => {
    const window = dirtyWindow();
    header.writeHeader(window, OFFSET, 0, 3, 0, 0, 0, 0, 0);
    assertEquals(header.usedLength(window, OFFSET), BLOCK_DATA_SIZE);
    assertEquals(header.usedLength(window, OFFSET, 72), 216);
    assertEquals(header.usedLength(window, OFFSET, 8000), BLOCK_DATA_SIZE);
  });

  test("usedLength never passes the data, whatever the header says", () => {
    const random = new Random(3);
    const window = dirtyWindow();
    for (let i = 0; i < 5000; i++) {
      for (let word = 0; word < 8; word++) window.words[OFFSET / 4 + word] = random.bits();
      const limit = (header.readFlags(window, OFFSET) & FLAG_TRAILER) === 0 ? BLOCK_DATA_SIZE : TRAILER_OFFSET;
      for (const size of [0, 1, 72, 8160]) {
        const used = header.usedLength(window, OFFSET, size);
        assert(Number.isInteger(used) && used >= 0 && used <= limit, `${used}`);
      }
    }
  });

  test("readRecordSize and readSchemaId of a block without stated length are 0", () => {
    const window = dirtyWindow();
    header.writeHeader(window, OFFSET, 0, 3, 0, FLAG_CHECKSUM, 216, 72, 9);
    assertEquals([header.readRecordSize(window, OFFSET), header.readSchemaId(window, OFFSET)], [0, 0]);
  });
});

describe("writeTrailer", () => {
  test("writeTrailer fills the last 24 data bytes and nothing else", () => {
    const window = dirtyWindow();
    header.writeHeader(window, OFFSET, 0, 0, 0, FLAG_TRAILER, 0, 0, 0);
    header.writeTrailer(window, OFFSET, 0x11223344, 0x80000001, 2 ** 53 - 1, 0xffffffff);
    const view = new DataView(window.bytes.buffer, OFFSET + 32 + 8136);
    assertEquals(view.getBigUint64(0, true), 0x8000000111223344n);
    assertEquals(view.getBigUint64(8, true), 2n ** 53n - 1n);
    assertEquals([view.getUint32(16, true), view.getUint32(20, true)], [0xffffffff, 0]);
    assertEquals([window.bytes[OFFSET + 8167], window.bytes[OFFSET + 8192]], [0xa5, 0xa5]);
    assert(header.hasTrailer(window, OFFSET));
    assertEquals([header.readEpochLow(window, OFFSET), header.readEpochHigh(window, OFFSET)], [0x11223344, 0x80000001]);
    assertEquals(header.readSourceSequence(window, OFFSET), 2 ** 53 - 1);
    assertEquals(header.readCrc32c(window, OFFSET), 0xffffffff);
  });
});
