// SPDX-License-Identifier: Apache-2.0
import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, test } from "node:test";
import { bindBlock } from "../src/block/block.ts";
import { defineRecord } from "../src/block/record/record_schema.ts";
import { ArgumentError, BlockReleasedError } from "../src/errors.ts";
import { BLOCK_SPACING, blockWindow, boundBlock, fillBlock, NotingOwner } from "./support/blocks.ts";

const Level = defineRecord("ViewTestLevel", {
  price: "f64",
  size: "u64",
  sides: "u16[3]",
  ids: "u64[2]",
  name: "char[6]",
});
const level = (i: number) => ({ price: i, size: i * 10, sides: [i, i + 1, i + 2], ids: [i, 2n ** 63n], name: `n${i}` });
const levels = (count: number) => Array.from({ length: count }, (_, i) => level(i));

function levelBlock(count: number) {
  const window = blockWindow(1);
  return boundBlock(window, fillBlock(window, 0, Level, levels(count)));
}

describe("RecordView", () => {
  test("RecordView yields each record once, in order, and ends", () => {
    const block = levelBlock(5);
    const seen: number[] = [];
    for (const record of block.records(Level)) seen.push(record.price);
    assertEquals(seen, [0, 1, 2, 3, 4]);
    assertEquals([...levelBlock(0).records(Level)], []);
  });

  test("RecordView can be looped over again, also after a break and after a throw", () => {
    const view = levelBlock(3).records(Level);
    for (const record of view) if (record.price === 1) break;
    assertThrows(() => {
      for (const _ of view) throw new RangeError("stop");
    }, RangeError);
    for (let turn = 0; turn < 3; turn++) {
      let sum = 0;
      for (const record of view) sum += record.price;
      assertEquals(sum, 3);
    }
  });

  test("RecordView loops can be nested", () => {
    const view = levelBlock(4).records(Level);
    const seen: number[] = [];
    for (const a of view) for (const b of view) for (const c of view) seen.push(a.price * 100 + b.price * 10 + c.price);
    assertEquals(seen.length, 64);
    assertEquals(seen, [...seen].sort((x, y) => x - y));
    assertEquals(new Set(seen).size, 64);
  });

  test("RecordView moves one object over the memory", () => {
    const view = levelBlock(3).records(Level);
    const objects = new Set<unknown>();
    for (const record of view) objects.add(record);
    for (const record of view) objects.add(record);
    assertEquals(objects.size, 1);
  });

  test("RecordView.at counts from both ends and has an object of its own", () => {
    const view = levelBlock(3).records(Level);
    assertEquals([0, 1, 2, -1, -2, -3].map((i) => view.at(i).price), [0, 1, 2, 2, 1, 0]);
    assertStrictEquals(view.at(0), view.at(1));
    for (const record of view) {
      assertNotStrictEquals(view.at(0), record);
      assertEquals(view.at(0).price, 0);
    }
  });

  test("RecordView.at refuses an index outside", () => {
    const view = levelBlock(3).records(Level);
    for (const index of [3, -4, 0.5, NaN, Infinity, 2 ** 32]) {
      const error = assertThrows(() => view.at(index), ArgumentError);
      assertEquals([error.value, error.limit], [index, 3]);
    }
    assertThrows(() => levelBlock(0).records(Level).at(0), ArgumentError);
  });

  test("RecordView.toArray copies", () => {
    const window = blockWindow(1);
    const block = boundBlock(window, fillBlock(window, 0, Level, levels(2)));
    const copies = block.records(Level).toArray();
    window.bytes.fill(0);
    assertEquals(copies, levels(2).map((each) => ({ ...each, size: BigInt(each.size), ids: each.ids.map(BigInt) })));
  });

  test("RecordView and everything from it throws after the release", () => {
    const block = levelBlock(3);
    const view = block.records(Level);
    const at = view.at(0);
    const { sides, ids } = at;
    const iterator = view[Symbol.iterator]();
    const looped = iterator.next().value!;
    block.release();
    const accesses: (() => unknown)[] = [
      () => view.length,
      () => view.at(0),
      () => [...view],
      () => view.toArray(),
      () => iterator.next(),
      ...[at, looped].flatMap((record) => [
        () => record.price,
        () => record.size,
        () => record.sizeNumber,
        () => record.sides.at(0),
        () => record.name,
        () => record.nameEquals("n0"),
        () => record.nameWord(0),
        () => record.toObject(),
      ]),
      () => sides.at(0),
      () => sides.toArray(),
      () => [...sides],
      () => ids.numberAt(0),
    ];
    for (const access of accesses) assertThrows(access, BlockReleasedError);
  });

  test("RecordView throws when the block is released inside a loop", () => {
    const block = levelBlock(3);
    assertThrows(() => {
      for (const _ of block.records(Level)) block.release();
    }, BlockReleasedError);
  });

  test("RecordView of a reused block goes on with one object after loops that were left without an end", () => {
    const window = blockWindow(1);
    const block = boundBlock(window, fillBlock(window, 0, Level, levels(2)));
    const objects = new Set<unknown>();
    for (let turn = 0; turn < 5; turn++) {
      objects.add(block.records(Level)[Symbol.iterator]().next().value);
      block.release();
      bindBlock(block, window, 0, 1, 2, new NotingOwner(), 1);
    }
    assertEquals(objects.size, 1);
  });

  test("RecordView of a reused block shows the new block once it is asked for", () => {
    const window = blockWindow(2);
    fillBlock(window, 0, Level, levels(2));
    fillBlock(window, 1, Level, [level(7)]);
    const block = boundBlock(window, 0);
    const view = block.records(Level);
    for (const _ of view) break;
    block.release();
    bindBlock(block, window, BLOCK_SPACING, 1, 2, new NotingOwner(), 1);
    assertThrows(() => view.length, BlockReleasedError);
    assertStrictEquals(block.records(Level), view);
    assertEquals([...view].map((record) => record.price), [7]);
  });
});

describe("ArrayField", () => {
  test("ArrayField reads its elements in place", () => {
    const record = levelBlock(3).records(Level).at(1);
    assertEquals(record.sides.length, 3);
    assertEquals([0, 1, 2, -1, -3].map((i) => record.sides.at(i)), [1, 2, 3, 3, 1]);
    assertEquals([...record.sides], [1, 2, 3]);
    assertEquals(record.sides.toArray(), [1, 2, 3]);
    assertEquals([record.ids.at(1), record.ids.numberAt(1), record.ids.numberAt(-2)], [2n ** 63n, 2 ** 63, 1]);
  });

  test("ArrayField moves with its record", () => {
    const view = levelBlock(3).records(Level);
    const sides = view.at(0).sides;
    view.at(2);
    assertEquals(sides.toArray(), [2, 3, 4]);
    assertStrictEquals(view.at(0).sides, sides);
  });

  test("ArrayField loops can be nested", () => {
    const { sides } = levelBlock(1).records(Level).at(0);
    const seen: number[] = [];
    for (const a of sides) for (const b of sides) seen.push(a * 10 + b);
    assertEquals(seen, [0, 1, 2, 10, 11, 12, 20, 21, 22]);
  });

  test("ArrayField refuses an index outside", () => {
    const record = levelBlock(1).records(Level).at(0);
    for (const index of [3, -4, 1.5, NaN]) assertThrows(() => record.sides.at(index), ArgumentError);
    for (const index of [2, -3, 1.5, NaN]) assertThrows(() => record.ids.numberAt(index), ArgumentError);
    assert(Object.isFrozen(Level.fields));
  });
});
