// SPDX-License-Identifier: Apache-2.0
import { errorOfStatus, type IpcError, UnsupportedError } from "../errors.ts";
import { type BunFfi, type BunParts, createBunBackend } from "./backend_bun.ts";
import { createDenoBackend, type DenoParts } from "./backend_deno.ts";
import { loadLibrary, type NativeStack } from "./library.ts";
import type { Symbols } from "./symbols.ts";
import type { Backend, NativeBuffer, Scratch, Watcher } from "./types.ts";

const RESULT_BYTES = 256;
const DETAIL_TEXT_BYTES = 1024;

interface Globals {
  readonly Deno?: DenoParts;
  readonly Bun?: BunParts;
  readonly process?: { getBuiltinModule?(name: string): unknown };
}

/** The backend of the runtime that this module runs in. */
function createBackend(): Backend {
  const globals = globalThis as unknown as Globals;
  if (globals.Deno !== undefined) return createDenoBackend(globals.Deno);
  const ffi = globals.Bun && globals.process?.getBuiltinModule?.("bun:ffi");
  if (globals.Bun && ffi) return createBunBackend(ffi as BunFfi, globals.Bun);
  throw new UnsupportedError("load the native library", {
    condition: "this JavaScript runtime is neither Deno nor Bun",
    remedy: "run the script with Deno or Bun, or open the runtime with another stack",
  });
}

/** The native library of a stack, loaded once per Worker. */
export class Native {
  static readonly #loaded = new Map<NativeStack, Native>();

  /** Its functions: call them directly on hot paths. */
  readonly symbols: Symbols;
  /** Memory for the results of control calls; its content lasts until the next one. */
  readonly result: Scratch;
  readonly resultWords: Uint32Array;
  readonly resultView: DataView;
  readonly #backend: Backend;
  readonly #text: Scratch;

  private constructor(backend: Backend, stack: NativeStack, libraryPath: string | undefined) {
    this.#backend = backend;
    this.symbols = loadLibrary(backend, stack, libraryPath);
    this.result = backend.scratch(RESULT_BYTES);
    this.resultWords = new Uint32Array(this.result.buffer);
    this.resultView = new DataView(this.result.buffer);
    this.#text = backend.scratch(DETAIL_TEXT_BYTES);
  }

  /**
   * The library of a stack, loaded at the first call of this Worker.
   *
   * @param stack The stack.
   * @param libraryPath Where it is; only the first call looks at it.
   * @throws {PermissionError} When the script may not use FFI without limits.
   * @throws {LibraryNotFoundError} When it cannot be found.
   */
  static load(stack: NativeStack = "iceoryx", libraryPath?: string): Native {
    const known = Native.#loaded.get(stack);
    if (known !== undefined) return known;
    const native = new Native(createBackend(), stack, libraryPath);
    Native.#loaded.set(stack, native);
    return native;
  }

  /** The libraries that this Worker has loaded. */
  static loaded(): Iterable<Native> {
    return Native.#loaded.values();
  }

  /** Memory for arguments and results that both sides see. */
  scratch(byteLength: number): Scratch {
    return this.#backend.scratch(byteLength);
  }

  /** An ArrayBuffer as an argument; it must not be detached while the library uses it. */
  bufferOf(buffer: ArrayBuffer): NativeBuffer {
    return this.#backend.bufferOf(buffer);
  }

  /** Text as UTF-8 for one call; `length` is in bytes. */
  text(value: string): Scratch & { readonly length: number } {
    const bytes = new TextEncoder().encode(value);
    // An empty text still needs an address: null would be told apart from empty.
    const scratch = this.#backend.scratch(Math.max(bytes.length, 1));
    new Uint8Array(scratch.buffer).set(bytes);
    return { ...scratch, length: bytes.length };
  }

  /** An ArrayBuffer over memory of the library. */
  alias(address: bigint, byteLength: number): ArrayBuffer {
    return this.#backend.alias(address, byteLength);
  }

  /** Calls back in the event loop when a socket has bytes. */
  watch(descriptor: number, onReadable: () => void): Watcher {
    return this.#backend.watch(descriptor, onReadable);
  }

  /** Returns a status that is no error, throws the typed error of one that is; `action` continues "Cannot". */
  check(status: number, action: string, value?: unknown): number {
    if (status >= 0) return status;
    throw this.error(status, action, value);
  }

  /** The typed error of a negative status of the last call, with the library's own words. */
  error(status: number, action: string, value?: unknown): IpcError {
    const length = this.symbols.qipc_error_detail(this.result.native, this.#text.native, DETAIL_TEXT_BYTES);
    const text = new TextDecoder().decode(new Uint8Array(this.#text.buffer, 0, Math.max(length, 0)));
    // No limit is 0, and a value of 0 without a limit says nothing.
    const limit = this.resultView.getFloat64(8, true) || undefined;
    const given = this.resultView.getFloat64(0, true) || (limit === undefined ? undefined : 0);
    return errorOfStatus(status, action, {
      value: value ?? given,
      limit,
      condition: text === "" ? undefined : text,
    });
  }
}
