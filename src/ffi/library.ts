// SPDX-License-Identifier: Apache-2.0
import { AbiMismatchError, LibraryNotFoundError } from "../errors.ts";
import { ABI_VERSION, SYMBOLS, type Symbols } from "./symbols.ts";
import type { Backend } from "./types.ts";

/** A stack that a native library offers. */
export type NativeStack = "iceoryx" | "iceoryx2";

/** A library of the one ABI. */
interface NativeLibrary {
  /** Its file name, whose number is the ABI version. */
  readonly name: string;
  /** The environment variable that names the file, read where the script may read it. */
  readonly variable: string;
}

/** The library of each stack. */
export const LIBRARIES: Readonly<Record<NativeStack, NativeLibrary>> = {
  iceoryx: { name: "libqipc.so.1", variable: "QAULTRA_IPC_LIBRARY" },
  iceoryx2: { name: "libqipc_iox2.so.1", variable: "QAULTRA_IPC_IOX2_LIBRARY" },
};

/** The places to look for the library, in order. The first that is named by the user is the only one. */
function candidates(backend: Backend, { name, variable }: NativeLibrary, libraryPath: string | undefined): string[] {
  if (libraryPath !== undefined) return [libraryPath];
  const named = backend.environment(variable);
  if (named !== undefined && named !== "") return [named];
  const places = [name];
  // From a clone the build folder is near; from a registry this file is not on a disk that a library could be on.
  const built = new URL(`../../build/lib/${name}`, import.meta.url);
  if (built.protocol === "file:") places.push(decodeURIComponent(built.pathname));
  return places;
}

/**
 * Finds and loads the native library of a stack.
 *
 * @param backend The runtime's backend.
 * @param stack The stack.
 * @param libraryPath Where the library is, or undefined to look for it.
 * @returns Its functions.
 * @throws {PermissionError} When the script may not use FFI without limits.
 * @throws {LibraryNotFoundError} When no candidate could be loaded; names each with the loader's words.
 * @throws {AbiMismatchError} When the library speaks another version of the ABI.
 */
export function loadLibrary(backend: Backend, stack: NativeStack, libraryPath?: string): Symbols {
  backend.requirePermission();
  const library = LIBRARIES[stack];
  const failures: string[] = [];
  let cause: unknown;
  for (const path of candidates(backend, library, libraryPath)) {
    let symbols: Symbols;
    try {
      symbols = backend.load(path, SYMBOLS);
    } catch (error) {
      cause = error;
      failures.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
      continue;
    }
    const version = symbols.qipc_abi_version();
    if (version !== ABI_VERSION) {
      throw new AbiMismatchError(`use the native library ${path}`, { value: version, limit: ABI_VERSION });
    }
    return symbols;
  }
  throw new LibraryNotFoundError("load the native library", {
    condition: `none of these could be loaded: ${failures.join("; ")}`,
    remedy: "build it with `./x setup` in a clone of the project, or install it with " +
      "`cmake -S . -B build && cmake --build build && cmake --install build && ldconfig`, or name the file in the " +
      `environment variable ${library.variable} or the option libraryPath`,
    cause,
  });
}
