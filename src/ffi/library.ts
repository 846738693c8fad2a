// SPDX-License-Identifier: Apache-2.0
import { AbiMismatchError, LibraryNotFoundError } from "../errors.ts";
import { ABI_VERSION, SYMBOLS, type Symbols } from "./symbols.ts";
import type { Backend } from "./types.ts";

/** The file name of the native library; its number is the ABI version. */
export const LIBRARY_NAME = "libqipc.so.1";

/** The environment variable that names the library, read where the script may read it. */
export const LIBRARY_VARIABLE = "QAULTRA_IPC_LIBRARY";

const BUILD_COMMANDS = "build it with `./x setup` in a clone of the project, or install it with " +
  "`cmake -S . -B build && cmake --build build && cmake --install build && ldconfig`, or name the file in the " +
  `environment variable ${LIBRARY_VARIABLE} or the option libraryPath`;

/** The places to look for the library, in order. The first that is named by the user is the only one. */
function candidates(backend: Backend, libraryPath: string | undefined): string[] {
  if (libraryPath !== undefined) return [libraryPath];
  const named = backend.environment(LIBRARY_VARIABLE);
  if (named !== undefined && named !== "") return [named];
  const places = [LIBRARY_NAME];
  // From a clone the build folder is near; from a registry this file is not on a disk that a library could be on.
  const built = new URL(`../../build/lib/${LIBRARY_NAME}`, import.meta.url);
  if (built.protocol === "file:") places.push(decodeURIComponent(built.pathname));
  return places;
}

/**
 * Finds and loads the native library.
 *
 * @param backend The runtime's backend.
 * @param libraryPath Where the library is, or undefined to look for it.
 * @returns Its functions.
 * @throws {PermissionError} When the script may not use FFI without limits.
 * @throws {LibraryNotFoundError} When no candidate could be loaded; names each with the loader's words.
 * @throws {AbiMismatchError} When the library speaks another version of the ABI.
 */
export function loadLibrary(backend: Backend, libraryPath?: string): Symbols {
  backend.requirePermission();
  const failures: string[] = [];
  let cause: unknown;
  for (const path of candidates(backend, libraryPath)) {
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
    remedy: BUILD_COMMANDS,
    cause,
  });
}
