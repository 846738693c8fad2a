// SPDX-License-Identifier: Apache-2.0
import { assert, assertEquals, assertMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, test } from "node:test";
import { bindBlock, Block } from "../src/block/block.ts";
import { writeHeader, writeTimestamp, writeTrailer } from "../src/block/header.ts";
import { FLAG_LENGTH, FLAG_TRAILER } from "../src/block/layout.ts";
import { MarketDataType } from "../src/block/market_data_type.ts";
import { defineRecord } from "../src/block/record/record_schema.ts";
import { Bar } from "../src/block/record/schemas/bar.ts";
import { Tick } from "../src/block/record/schemas/tick.ts";
import { ArgumentError, BlockReleasedError, NotABlockError, SchemaMismatchError } from "../src/errors.ts";
import { BLOCK_SPACING, blockWindow, boundBlock, fillBlock, NotingOwner } from "./support/blocks.ts";
import { Random } from "./support/random.ts";

const Pair = defineRecord("BlockTestPair", { left: "f64", right: "u32" });
const pairs = (count: number) => Array.from({ length: count }, (_, i) => ({ left: i + 0.5, right: i }));

describe("Block", () => {
  test("Block getters read the header", () => {
    const window = blockWindow(2);
    const offset = BLOCK_SPACING;
    writeHeader(window, offset, 2 ** 40 + 1, 3, MarketDataType.Trade, FLAG_LENGTH | FLAG_TRAILER, 48, 16, 77);
    writeTimestamp(window, offset, 0x499602d2, 0x18000000);
    writeTrailer(window, offset, 1, 2, 2 ** 33, 0);
    const block = boundBlock(window, offset);
    assertEquals(block.sequence, 2 ** 40 + 1);
    assertEquals(block.epoch, 0xf222222211111111n);
    assertEquals(block.timestampNs, 0x18000000499602d2n);
    assertEquals(block.timestampMs, Number(0x18000000499602d2n) / 1e6);
    assertEquals([block.recordCount, block.recordSize, block.schemaId], [3, 16, 77]);
    assertEquals(block.dataType, MarketDataType.Trade);
    assertEquals(block.sourceSequence, 2 ** 33);
    assertEquals([block.data.length, block.data.byteOffset], [48, offset + 32]);
    assertEquals([block.intact, block.released], [true, false]);
  });

  test("Block.data of a peer that states no length is everything", () => {
    const window = blockWindow(1);
    writeHeader(window, 0, 5, 3, 99, 0, 0, 0, 0);
    const block = boundBlock(window, 0);
    assertEquals([block.data.length, block.dataType, block.schemaId, block.sourceSequence], [8160, 255, 0, 5]);
  });

  test("Block.data is the same object for the same block", () => {
    const window = blockWindow(1);
    const block = boundBlock(window, fillBlock(window, 0, Pair, pairs(3)));
    assertStrictEquals(block.data, block.data);
  });

  test("Block.intact asks the owner", () => {
    const window = blockWindow(1);
    const owner = new NotingOwner();
    const block = boundBlock(window, fillBlock(window, 0, Pair, pairs(1)), owner);
    owner.intact = false;
    assertEquals(block.intact, false);
    const trusting = boundBlock(window, 0, { releaseBlock() {} });
    assertEquals(trusting.intact, true);
  });

  test("Block.release gives the block back once", () => {
    const window = blockWindow(1);
    const owner = new NotingOwner();
    const block = boundBlock(window, fillBlock(window, 0, Pair, pairs(1)), owner, 42);
    block.release();
    block.release();
    block[Symbol.dispose]();
    assertEquals(owner.released, [42]);
  });

  test("Block is given back at the end of its using scope", () => {
    const window = blockWindow(1);
    const owner = new NotingOwner();
    fillBlock(window, 0, Pair, pairs(1));
    {
      using block = boundBlock(window, 0, owner, 7);
      assertEquals(block.recordCount, 1);
    }
    assertEquals(owner.released, [7]);
  });

  test("Block is released before its owner hears of it", () => {
    const window = blockWindow(1);
    fillBlock(window, 0, Pair, pairs(1));
    const block: Block = boundBlock(window, 0, {
      releaseBlock() {
        assert(block.released);
      },
    });
    block.release();
  });

  const accesses: Record<string, (block: Block) => unknown> = {
    sequence: (block) => block.sequence,
    epoch: (block) => block.epoch,
    timestampNs: (block) => block.timestampNs,
    timestampMs: (block) => block.timestampMs,
    recordCount: (block) => block.recordCount,
    dataType: (block) => block.dataType,
    recordSize: (block) => block.recordSize,
    schemaId: (block) => block.schemaId,
    sourceEpoch: (block) => block.sourceEpoch,
    sourceSequence: (block) => block.sourceSequence,
    data: (block) => block.data,
    intact: (block) => block.intact,
    records: (block) => block.records(Pair),
  };

  test("Block has an access test for each of its getters", () => {
    const members = Object.getOwnPropertyNames(Block.prototype);
    const harmless = ["constructor", "release", "released"];
    assertEquals(new Set(members.filter((name) => !harmless.includes(name))), new Set(Object.keys(accesses)));
  });

  for (const [name, access] of Object.entries(accesses)) {
    test(`Block.${name} after the release throws BlockReleasedError`, () => {
      const window = blockWindow(1);
      const block = boundBlock(window, fillBlock(window, 0, Pair, pairs(2)));
      access(block);
      block.release();
      assertThrows(() => access(block), BlockReleasedError);
    });
    test(`Block.${name} of a block that was never received throws NotABlockError`, () => {
      assertThrows(() => access(new Block()), NotABlockError);
    });
  }

  test("Block can be bound again and again and shows the block that it is bound to", () => {
    const window = blockWindow(3);
    for (let i = 0; i < 3; i++) fillBlock(window, i, Pair, pairs(i + 1));
    const owner = new NotingOwner();
    const block = new Block();
    for (let turn = 0; turn < 9; turn++) {
      bindBlock(block, window, (turn % 3) * BLOCK_SPACING, turn, 0, owner, turn);
      assertEquals([block.sequence, block.records(Pair).length, block.epoch], [turn % 3, turn % 3 + 1, BigInt(turn)]);
      assertEquals([...block.records(Pair)].length, turn % 3 + 1);
      block.release();
    }
    assertEquals(owner.released, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe("Block.records", () => {
  test("Block.records gives one view for a schema, and another for another", () => {
    const window = blockWindow(1);
    writeHeader(window, 0, 0, 4, 0, 0, 0, 0, 0);
    const block = boundBlock(window, 0);
    const view = block.records(Pair);
    const ticks = block.records(Tick);
    assertStrictEquals(block.records(Pair), view);
    assertStrictEquals(block.records(Tick), ticks);
    assertEquals([view.length, ticks.length], [4, 4]);
    block.release();
    assertThrows(() => view.length, BlockReleasedError);
    assertThrows(() => ticks.length, BlockReleasedError);
  });

  test("Block.records of another schema names both where this process knows them", () => {
    const window = blockWindow(1);
    fillBlock(window, 0, Pair, pairs(2));
    const error = assertThrows(() => boundBlock(window, 0).records(Tick), SchemaMismatchError);
    assertMatch(error.message, /^Cannot read records as Tick \(id \d+, records of 72 bytes\): /);
    assertMatch(error.message, /holds records of BlockTestPair \(id \d+, records of 16 bytes\)/);
    assertEquals(error.value, Pair.id);
  });

  test("Block.records of a schema that this process does not know names id and record size", () => {
    const window = blockWindow(1);
    const id = Tick.id ^ 0x5555;
    writeHeader(window, 0, 0, 1, 0, FLAG_LENGTH, 72, 72, id);
    const error = assertThrows(() => boundBlock(window, 0).records(Tick), SchemaMismatchError);
    assertMatch(error.message, new RegExp(`an unknown schema \\(id ${id}, records of 72 bytes\\)`));
  });

  test("Block.records refuses another record size, even without a schema id", () => {
    const window = blockWindow(1);
    for (const id of [0, Tick.id]) {
      writeHeader(window, 0, 0, 1, 0, FLAG_LENGTH, 88, 88, id);
      assertThrows(() => boundBlock(window, 0).records(Tick), SchemaMismatchError);
    }
  });

  test("Block.records accepts what states no schema, or no record size", () => {
    const window = blockWindow(1);
    for (const [size, id] of [[72, 0], [0, 0], [0, Tick.id], [72, Tick.id]] as const) {
      writeHeader(window, 0, 0, 2, 0, FLAG_LENGTH, 144, size, id);
      assertEquals(boundBlock(window, 0).records(Tick).length, 2);
    }
  });

  test("Block.records refuses what is no schema", () => {
    const window = blockWindow(1);
    const block = boundBlock(window, fillBlock(window, 0, Pair, pairs(2)));
    for (const schema of [undefined, null, {}, "Tick", { size: 16, id: 1 }]) {
      assertThrows(() => block.records(schema as never), ArgumentError);
    }
  });

  test("Block.records of a C++ peer has as many records as the peer says and the data hold", () => {
    const window = blockWindow(1);
    for (const [count, length] of [[0, 0], [1, 1], [113, 113], [114, 113], [2 ** 60, 113]] as const) {
      writeHeader(window, 0, 0, count, 0, 0, 0, 0, 0);
      assertEquals(boundBlock(window, 0).records(Tick).length, length);
    }
  });

  test("Block.records has no more records than their writer counted", () => {
    const window = blockWindow(1);
    writeHeader(window, 0, 0, 1, 0, FLAG_LENGTH, 144, 72, Tick.id);
    assertEquals(boundBlock(window, 0).records(Tick).length, 1);
  });

  test("Block.records never reaches past the used bytes, whatever the header says", () => {
    const random = new Random(4);
    const window = blockWindow(1);
    const schemas = [Tick, Bar, Pair, defineRecord("BlockTestByte", { b: "u8" })] as const;
    let read = 0;
    for (let i = 0; i < 20_000; i++) {
      for (let word = 0; word < 8; word++) window.words[word] = random.bits();
      if (random.integer(0, 1) === 1) window.words[5] = 0; // Counts that are not absurd.
      const schema = random.pick(schemas);
      if (random.integer(0, 1) === 1) window.words[7] = schema.id * 65536 + schema.size;
      const block = boundBlock(window, 0);
      try {
        const { length } = block.records<Record<string, "u8">>(schema as never);
        assert(Number.isInteger(length) && length >= 0 && length * schema.size <= block.data.length);
        read++;
      } catch (error) {
        assert(error instanceof SchemaMismatchError);
      }
    }
    assert(read > 1000);
  });
});
