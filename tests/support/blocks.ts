// SPDX-License-Identifier: Apache-2.0
// Blocks in private memory, for tests that need no stack.
import { bindBlock, Block, type BlockOwner } from "../../src/block/block.ts";
import { writeHeader } from "../../src/block/header.ts";
import { FLAG_LENGTH } from "../../src/block/layout.ts";
import type { RecordFields, RecordWrite } from "../../src/block/record/field_types.ts";
import { encoderOf, type RecordSchema } from "../../src/block/record/record_schema.ts";
import { Window } from "../../src/block/window.ts";

/** Where the blocks lie: the spacing of iceoryx's chunks. */
export const BLOCK_SPACING = 8320;

/** An owner that notes what came back. */
export class NotingOwner implements BlockOwner {
  readonly released: number[] = [];
  intact = true;

  releaseBlock(token: number): void {
    this.released.push(token);
  }

  isBlockIntact(): boolean {
    return this.intact;
  }
}

/** A window with room for some blocks. Every byte is set, so that what was not written shows. */
export function blockWindow(blocks: number): Window {
  const window = Window.allocate(blocks * BLOCK_SPACING);
  window.bytes.fill(0xee);
  return window;
}

/** Writes records and a header as a broadcaster does, as the block with this index. Returns its offset. */
export function fillBlock<F extends RecordFields>(
  window: Window,
  index: number,
  schema: RecordSchema<F>,
  records: readonly RecordWrite<F>[],
): number {
  const offset = index * BLOCK_SPACING;
  records.forEach((record, i) => encoderOf(schema)(window, offset + 32 + i * schema.size, record));
  const length = records.length * schema.size;
  writeHeader(window, offset, index, records.length, schema.dataType, FLAG_LENGTH, length, schema.size, schema.id);
  return offset;
}

/** A block object that stands for the block at this offset. */
export function boundBlock(window: Window, offset: number, owner: BlockOwner = new NotingOwner(), token = 1): Block {
  const block = new Block();
  bindBlock(block, window, offset, 0x11111111, 0xf2222222, owner, token);
  return block;
}
