// SPDX-License-Identifier: Apache-2.0
import { ArgumentError, SharedMemoryTooSmallError } from "../errors.ts";
import { bufferOfHandle, MEMORY_HANDLE_KIND, type MemoryHandle } from "./memory_handle.ts";
import { MemoryLock } from "./memory_lock.ts";

/** The unit in which rings get their memory, and what they are aligned to. */
export const PAGE_BYTES = 4096;
/** What the size of an arena is a multiple of: a page of WebAssembly. */
export const ARENA_BYTES_STEP = 65536;
/** The smallest and the largest arena: Bun makes no larger SharedArrayBuffer. Pages that nobody has used take no memory. */
export const ARENA_BYTES_MIN = 1024 * 1024;
export const ARENA_BYTES_MAX = 2 ** 32;

/** Most rings of a runtime at once, closed ones that somebody still reads included. */
export const RINGS_MAX = 1024;
export const RING_RECORD_WORDS = 16;
/** Most streams of a runtime at once that have a ring or are looked for. */
export const STREAMS_MAX = 2048;
export const STREAM_RECORD_WORDS = 64;

/** "QAULAREN" as little-endian words. */
const MAGIC_LOW = 0x4c554151;
const MAGIC_HIGH = 0x4e455241;
/** Raised whenever the layout changes, so that Workers that run two versions of this module do not meet. */
const VERSION = 1;

// Where things lie in the header, in words. What is waited on has a cache line of its own.
const WORD_MAGIC = 0;
const WORD_VERSION = 2;
const WORD_PAGES = 3;
const WORD_NAME_BYTES = 4;
const WORD_NAME = 8;
const WORD_LOCK = 64;
export const WORD_CHANGES = 80;
export const WORD_RINGS_USED = 96;
export const WORD_STREAMS_USED = 97;
export const WORD_SERIAL = 98;

/** Where the tables begin, in words, and the space of rings, in pages. */
export const RING_TABLE = PAGE_BYTES / 4;
export const STREAM_TABLE = RING_TABLE + RINGS_MAX * RING_RECORD_WORDS;
export const FIRST_PAGE = (STREAM_TABLE + STREAMS_MAX * STREAM_RECORD_WORDS) * 4 / PAGE_BYTES;

const NAME_BYTES_MAX = (WORD_LOCK - WORD_NAME) * 4;

/** The memory that the Workers of a process share: a header, the tables of rings and streams, and the space of rings. */
export class MemoryArena {
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array;
  readonly lock: MemoryLock;

  private constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
    this.lock = new MemoryLock(this.words, WORD_LOCK);
  }

  /**
   * Makes one.
   *
   * @param action What is attempted, continuing the word "Cannot".
   * @param bytes Its size, a multiple of ARENA_BYTES_STEP from ARENA_BYTES_MIN to ARENA_BYTES_MAX.
   * @param name What all who join it are called.
   * @throws {SharedMemoryTooSmallError} When the process may not have so much address space.
   */
  static create(action: string, bytes: number, name: string): MemoryArena {
    const arena = new MemoryArena(reserve(action, bytes));
    const { words } = arena;
    const text = new TextEncoder().encode(name);
    new Uint8Array(arena.buffer, WORD_NAME * 4, NAME_BYTES_MAX).set(text);
    words[WORD_NAME_BYTES] = text.length;
    words[WORD_PAGES] = bytes / PAGE_BYTES;
    words[WORD_VERSION] = VERSION;
    words[WORD_MAGIC] = MAGIC_LOW;
    words[WORD_MAGIC + 1] = MAGIC_HIGH;
    return arena;
  }

  /**
   * Joins the one of a handle.
   *
   * @param action What is attempted, continuing the word "Cannot".
   * @param handle What another Worker sent.
   * @throws {ArgumentError} When it is no handle, or one of another version of this module.
   */
  static attach(action: string, handle: unknown): MemoryArena {
    const buffer = bufferOfHandle(action, handle);
    const bytes = new Uint8Array(buffer).length;
    const refuse = (condition: string, value?: number): never => {
      throw new ArgumentError(action, {
        value,
        condition,
        remedy: "pass the handle of a runtime of the memory stack, made by this version of the module",
      });
    };
    if (!isArenaSize(bytes)) return refuse("the handle's buffer does not have the size of a runtime's memory", bytes);
    const arena = new MemoryArena(buffer);
    const { words } = arena;
    if (words[WORD_MAGIC] !== MAGIC_LOW || words[WORD_MAGIC + 1] !== MAGIC_HIGH) {
      return refuse("the handle's buffer is no runtime's memory");
    }
    if (words[WORD_VERSION] !== VERSION) {
      return refuse(`the handle's buffer has a layout that is not version ${VERSION}`, words[WORD_VERSION]);
    }
    if (words[WORD_PAGES] !== bytes / PAGE_BYTES) {
      return refuse("the handle's buffer does not have the size that it says", bytes);
    }
    if (words[WORD_NAME_BYTES]! >>> 0 > NAME_BYTES_MAX) {
      return refuse("the handle's buffer has a name that does not fit", words[WORD_NAME_BYTES]);
    }
    return arena;
  }

  get handle(): MemoryHandle {
    return { kind: MEMORY_HANDLE_KIND, buffer: this.buffer };
  }

  get name(): string {
    return this.text(WORD_NAME * 4, this.words[WORD_NAME_BYTES]!);
  }

  /** The first page behind the space of rings. */
  get endPage(): number {
    return this.buffer.byteLength / PAGE_BYTES;
  }

  /** UTF-8 of the arena as a string. */
  text(offset: number, length: number): string {
    // Decoders refuse shared memory. A name may begin with what would be taken for a byte order mark and left out.
    const copy = new Uint8Array(this.buffer, offset, length).slice();
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(copy);
  }
}

/** Whether an arena can have this size. */
export function isArenaSize(bytes: unknown): bytes is number {
  return typeof bytes === "number" && bytes % ARENA_BYTES_STEP === 0 && bytes >= ARENA_BYTES_MIN &&
    bytes <= ARENA_BYTES_MAX;
}

function reserve(action: string, bytes: number): SharedArrayBuffer {
  const pages = bytes / ARENA_BYTES_STEP;
  try {
    // The memory of WebAssembly comes from the system and goes back to it. Bun's other SharedArrayBuffers can come from memory
    // that was used before, which it fills with zeros: half a second and a whole GiB for one of that size.
    const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    return buffer as ArrayBufferLike as SharedArrayBuffer;
  } catch (cause) {
    throw new SharedMemoryTooSmallError(action, {
      limit: bytes,
      condition: "the process may not reserve so many bytes of address space",
      remedy: "lower poolMemoryMb, or raise the limit of the process (ulimit -v)",
      cause,
    });
  }
}
