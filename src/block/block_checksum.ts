// SPDX-License-Identifier: Apache-2.0
//
// The checksum of a block, as c_shim/include/qaultra_ipc/block_checksum.h has it: that of header bytes 8 to 31 and the used data, which a
// relay hands on unchanged. The sequence, a relay's own, is compared with the source sequence of the trailer instead.
import type { BlockChecksums } from "../transport/transport.ts";
import { CRC32C_BEGIN, crc32cByte, crc32cWords } from "./crc32c.ts";
import {
  readCrc32c,
  readFlags,
  readReserved,
  readSequence,
  readSourceSequence,
  usedLength,
  writeChecksum,
} from "./header.ts";
import {
  BLOCK_SIZE,
  FLAG_CHECKSUM,
  FLAG_TRAILER,
  OFFSET_DATA,
  OFFSET_TIMESTAMP_NS,
  TRAILER_RELAYED,
} from "./layout.ts";
import type { Window } from "./window.ts";

const TWO_TO_32 = 4_294_967_296;

/** Of header bytes 8 to 31 and the used data. */
function contentSum(window: Window, offset: number): number {
  const { i32, bytes } = window;
  const begin = offset + OFFSET_TIMESTAMP_NS;
  const end = offset + OFFSET_DATA + usedLength(window, offset);
  let register = CRC32C_BEGIN;
  let at = begin >>> 2;
  for (const whole = at + (((end - begin) >>> 3) << 1); at < whole; at += 2) {
    register = crc32cWords(register, i32[at]!, i32[at + 1]!);
  }
  for (let index = at << 2; index < end; index++) register = crc32cByte(register, bytes[index]!);
  return ~register >>> 0;
}

/**
 * Puts the checksum into the trailer of a block that is otherwise complete and whose flags tell of it.
 *
 * @param native By the processor's instruction, or null for a stack that has none.
 * @param sequence The block's, which its memory need not say yet.
 */
export function sealBlock(native: BlockChecksums | null, window: Window, offset: number, sequence: number): void {
  if (native !== null) native.seal(window.bytes, offset, sequence >>> 0, (sequence / TWO_TO_32) >>> 0);
  else writeChecksum(window, offset, sequence, contentSum(window, offset));
}

/** Whether the checksum that a block states is right. */
function isSound(native: BlockChecksums | null, window: Window, offset: number): boolean {
  if (native !== null) return native.isSound(window.bytes, offset);
  // A window that was detached has nothing to say.
  if ((readFlags(window, offset) & FLAG_TRAILER) === 0 || window.bytes.length < offset + BLOCK_SIZE) return false;
  if (readCrc32c(window, offset) !== contentSum(window, offset)) return false;
  const source = readSourceSequence(window, offset);
  return source === 0 || source === readSequence(window, offset) || readReserved(window, offset) === TRAILER_RELAYED;
}

/** Verifies the blocks of one broadcaster. Who has sent one block with a checksum sends none without. */
export class BlockVerifier {
  readonly #native: BlockChecksums | null;
  #isExpected = false;

  /** @param native By the processor's instruction, or null for a stack that has none. */
  constructor(native: BlockChecksums | null) {
    this.#native = native;
  }

  /** Whether a block may be handed out: its checksum is right, or its broadcaster makes none. */
  accepts(window: Window, offset: number): boolean {
    if ((readFlags(window, offset) & FLAG_CHECKSUM) === 0) return !this.#isExpected;
    return this.#verify(window, offset);
  }

  #verify(window: Window, offset: number): boolean {
    if (!isSound(this.#native, window, offset)) return false;
    this.#isExpected = true;
    return true;
  }
}
