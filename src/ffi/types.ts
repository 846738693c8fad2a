// SPDX-License-Identifier: Apache-2.0

/** The types that cross the C ABI, in the spelling of `symbols.ts`. */
export type NativeType = "u32" | "i32" | "f64" | "buffer" | "void";

/** One function of the C ABI. */
export interface NativeFunction {
  readonly parameters: readonly NativeType[];
  readonly result: NativeType;
}

declare const NATIVE_BUFFER: unique symbol;

/** What a runtime takes for a `uint8_t*` argument; made by a `Backend` alone. */
export type NativeBuffer = { readonly [NATIVE_BUFFER]: true };

type NativeArgument<T extends NativeType> = T extends "buffer" ? NativeBuffer : number;

type NativeArguments<Types extends readonly NativeType[]> = {
  -readonly [Index in keyof Types]: NativeArgument<Types[Index]>;
};

type NativeCall<F extends NativeFunction> = (
  ...values: NativeArguments<F["parameters"]>
) => F["result"] extends "void" ? void : number;

/** The JavaScript functions of a symbol table: their types are derived from it. */
export type NativeSymbols<Table extends Record<string, NativeFunction>> = {
  readonly [Name in keyof Table]: NativeCall<Table[Name]>;
};

/** Memory that both sides see: JavaScript as `buffer`, the library as `native`. It lives as long as this object. */
export interface Scratch {
  readonly buffer: ArrayBuffer;
  readonly native: NativeBuffer;
}

/** A file descriptor that the event loop reads. */
export interface Watcher {
  /** Keeps the event loop alive while somebody waits. */
  ref(): void;
  /** Lets the process end although nothing has arrived. */
  unref(): void;
  /** Stops reading and closes the descriptor. */
  close(): void;
}

/** What the module needs of a JavaScript runtime: all that `src/ffi` has to know about Deno and Bun. */
export interface Backend {
  readonly name: "deno" | "bun";
  /** Throws `PermissionError` where the runtime would refuse, without asking the user anything. */
  requirePermission(): void;
  /** An environment variable, or undefined when it is not set or may not be read. */
  environment(name: string): string | undefined;
  /** Loads a library and binds the functions of the table, or throws the loader's error. */
  load<Table extends Record<string, NativeFunction>>(path: string, table: Table): NativeSymbols<Table>;
  /** Allocates memory for results and arguments. */
  scratch(byteLength: number): Scratch;
  /** Memory of JavaScript as an argument. */
  bufferOf(buffer: ArrayBuffer): NativeBuffer;
  /** An ArrayBuffer over memory of the library: no copy, no ownership. */
  alias(address: bigint, byteLength: number): ArrayBuffer;
  /** Calls `onReadable` in the event loop for bytes that arrive at a socket; drains them. Begins unreferenced. */
  watch(descriptor: number, onReadable: () => void): Watcher;
}
