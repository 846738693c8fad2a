// SPDX-License-Identifier: Apache-2.0
import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, test } from "node:test";
import { Window, WINDOW_BYTES_MAX } from "../src/block/window.ts";
import { ArgumentError } from "../src/errors.ts";

describe("Window", () => {
  test("Window views the same memory in every width", () => {
    const buffer = new ArrayBuffer(64);
    const window = new Window(buffer, true, 8, 48);
    new DataView(buffer).setBigUint64(8, 0x8877665544332211n, true);
    assertEquals([window.bytes[0], window.words[1], window.i32[1]], [0x11, 0x88776655, 0x88776655 | 0]);
    assertEquals([window.u64[0], window.i64[0]], [0x8877665544332211n, BigInt.asIntN(64, 0x8877665544332211n)]);
    assertEquals(window.view.getUint8(7), 0x88);
    window.f64[1] = 1.5;
    window.f32[4] = 2.5;
    assertEquals([window.view.getFloat64(8, true), window.view.getFloat32(16, true)], [1.5, 2.5]);
    assertEquals([window.bytes.length, window.f64.length], [48, 6]);
  });

  test("Window works over shared memory", () => {
    const window = new Window(new SharedArrayBuffer(8192), false);
    assertEquals(window.dataView(32, 8160).length, 8160);
    window.detach();
    assertEquals(window.bytes.length, 8192);
  });

  test("Window refuses what is outside, misaligned or too long", () => {
    const buffer = new ArrayBuffer(64);
    for (const [offset, length] of [[-8, 8], [4, 8], [0, 72], [64, 8], [0, -1], [0.5, 8], [0, NaN]] as const) {
      assertThrows(() => new Window(buffer, true, offset, length), ArgumentError);
    }
    const long = { byteLength: WINDOW_BYTES_MAX + 8 } as ArrayBuffer;
    const error = assertThrows(() => new Window(long, true), ArgumentError);
    assertEquals([error.value, error.limit], [WINDOW_BYTES_MAX + 8, WINDOW_BYTES_MAX]);
  });

  test("Window.dataView gives one object for the same bytes and another for other bytes", () => {
    const window = Window.allocate(4 * 8320);
    const first = window.dataView(8320 + 32, 72);
    assertStrictEquals(window.dataView(8320 + 32, 72), first);
    const longer = window.dataView(8320 + 32, 144);
    assertNotStrictEquals(longer, first);
    assertEquals([longer.byteOffset, longer.length], [8352, 144]);
    const moved = window.dataView(8320 + 96, 144);
    assertEquals([moved.byteOffset, moved.length], [8416, 144]);
  });

  test("Window.dataView keeps an entry for each block, however blocks are spaced", () => {
    for (const spacing of [8192, 8320, 16_512]) {
      const window = Window.allocate(64 * spacing);
      const views = Array.from({ length: 64 }, (_, i) => window.dataView(i * spacing + 32, 8160));
      views.forEach((view, i) => assertStrictEquals(window.dataView(i * spacing + 32, 8160), view));
    }
  });

  test("Window.dataView counts from the begin of the window", () => {
    const buffer = new ArrayBuffer(3 * 8192);
    const window = new Window(buffer, true, 8192);
    const view = window.dataView(32, 10);
    assertEquals(view.byteOffset, 8224);
    assertStrictEquals(window.dataView(32, 10), view);
  });

  test("Window.detach empties every view, once and for ever", () => {
    const window = Window.allocate(8192);
    const view = window.dataView(32, 100);
    window.detach();
    window.detach();
    assertEquals([view.length, window.bytes.length, window.f64.length], [0, 0, 0]);
    assertThrows(() => window.view.getUint8(0), TypeError);
    assert((window.bytes.buffer as ArrayBuffer).detached);
  });
});
