// SPDX-License-Identifier: Apache-2.0
import { NameEmptyError, NameTooLongError, TooManySubscribersError } from "../errors.ts";
import { type MemoryArena, STREAM_RECORD_WORDS, STREAM_TABLE, STREAMS_MAX, WORD_STREAMS_USED } from "./memory_arena.ts";
import { checkName, NAME_BYTES_MAX } from "./names.ts";
import type { StreamName } from "./transport.ts";

// A record, in words.
const USES = 0;
const FINDERS = 1;
const SERVICE_BYTES = 2;
const STREAM_BYTES = 3;
/** Where the names begin, in bytes of the record. */
const SERVICE = 16;
const STREAM = 120;

/** The name of a stream in UTF-8. */
export interface EncodedName {
  readonly service: Uint8Array;
  readonly stream: Uint8Array;
}

/**
 * Checks and encodes the name of a stream.
 *
 * @param action What is attempted, continuing the word "Cannot".
 * @param name The name.
 */
export function encodeName(action: string, name: StreamName): EncodedName {
  return { service: encode(action, name.service), stream: encode(action, name.stream) };
}

function encode(action: string, name: string): Uint8Array {
  const bytes = new TextEncoder().encode(checkName(action, name));
  if (bytes.length === 0) throw new NameEmptyError(action);
  if (bytes.length > NAME_BYTES_MAX) {
    throw new NameTooLongError(action, { value: bytes.length, limit: NAME_BYTES_MAX });
  }
  return bytes;
}

/** The streams that have a ring or are looked for. Its callers hold the arena's lock. */
export class MemoryStreamTable {
  readonly #arena: MemoryArena;
  readonly #words: Int32Array;

  constructor(arena: MemoryArena) {
    this.#arena = arena;
    this.#words = arena.words;
  }

  /**
   * The record of a stream, made when there is none, with one use more. Each use is given back by `leave`.
   *
   * @param action What is attempted, continuing the word "Cannot".
   * @param name The stream.
   * @returns Its index.
   * @throws {TooManySubscribersError} When all records are in use.
   */
  use(action: string, name: EncodedName): number {
    let vacant = -1;
    const used = this.#used;
    for (let index = 0; index < used; index++) {
      if (this.#words[at(index) + USES] === 0) {
        if (vacant < 0) vacant = index;
      } else if (this.#isNamed(index, name)) {
        this.#words[at(index) + USES]!++;
        return index;
      }
    }
    if (vacant < 0) vacant = used;
    if (vacant === STREAMS_MAX) {
      throw new TooManySubscribersError(action, {
        value: STREAMS_MAX,
        limit: STREAMS_MAX,
        condition: "the runtime knows as many streams as it can",
        remedy: "close broadcasters and subscribers that are not needed",
      });
    }
    const record = at(vacant);
    this.#nameBytes(vacant, SERVICE, name.service.length).set(name.service);
    this.#nameBytes(vacant, STREAM, name.stream.length).set(name.stream);
    this.#words[record + SERVICE_BYTES] = name.service.length;
    this.#words[record + STREAM_BYTES] = name.stream.length;
    this.#words[record + FINDERS] = 0;
    this.#words[record + USES] = 1;
    if (vacant === used) this.#words[WORD_STREAMS_USED] = used + 1;
    return vacant;
  }

  leave(index: number): void {
    this.#words[at(index) + USES]!--;
  }

  finders(index: number): number {
    return this.#words[at(index) + FINDERS]!;
  }

  addFinders(index: number, difference: number): void {
    this.#words[at(index) + FINDERS]! += difference;
  }

  nameOf(index: number): StreamName {
    const record = at(index);
    return {
      service: this.#arena.text(record * 4 + SERVICE, this.#words[record + SERVICE_BYTES]!),
      stream: this.#arena.text(record * 4 + STREAM, this.#words[record + STREAM_BYTES]!),
    };
  }

  /** The indexes of all streams in use. */
  *indexes(): Generator<number, void, undefined> {
    for (let index = 0; index < this.#used; index++) if (this.#words[at(index) + USES] !== 0) yield index;
  }

  get #used(): number {
    return this.#words[WORD_STREAMS_USED]!;
  }

  #isNamed(index: number, name: EncodedName): boolean {
    const record = at(index);
    return this.#words[record + SERVICE_BYTES] === name.service.length &&
      this.#words[record + STREAM_BYTES] === name.stream.length &&
      areEqual(this.#nameBytes(index, SERVICE, name.service.length), name.service) &&
      areEqual(this.#nameBytes(index, STREAM, name.stream.length), name.stream);
  }

  #nameBytes(index: number, offset: number, length: number): Uint8Array {
    return new Uint8Array(this.#arena.buffer, at(index) * 4 + offset, length);
  }
}

/** The first word of a record. */
function at(index: number): number {
  return STREAM_TABLE + index * STREAM_RECORD_WORDS;
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, index) => byte === b[index]);
}
