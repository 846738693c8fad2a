// SPDX-License-Identifier: Apache-2.0
import { Socket } from "node:net";
import { PermissionError } from "../errors.ts";
import type { Backend, NativeBuffer, NativeFunction, NativeSymbols, Scratch, Watcher } from "./types.ts";

/** The parts of the global `Deno` that the backend uses, so that a test can give it others. */
export type DenoParts = Pick<
  typeof Deno,
  | "dlopen"
  | "UnsafePointer"
  | "UnsafePointerView"
  | "permissions"
  | "env"
  | "addSignalListener"
  | "removeSignalListener"
>;

/** Whose default is to do nothing. */
const HARMLESS_SIGNAL = "SIGWINCH";

/**
 * Makes the backend for Deno.
 *
 * @param deno The global `Deno`, or a stand-in.
 * @returns The backend.
 */
export function createDenoBackend(deno: DenoParts): Backend {
  return {
    name: "deno",
    requirePermission(): void {
      // A grant for one path refuses UnsafePointer, without which no block can be read in place.
      if (deno.permissions.querySync({ name: "ffi" }).state === "granted") return;
      throw new PermissionError("load the native library", {
        condition: "the script has no unrestricted FFI permission; with one for single paths Deno refuses the views " +
          "over shared memory that this module reads blocks through",
        remedy: "run it with `deno run --allow-ffi`, without a path",
      });
    },
    environment(name: string): string | undefined {
      const granted = deno.permissions.querySync({ name: "env", variable: name }).state === "granted";
      return granted ? deno.env.get(name) : undefined;
    },
    load<Table extends Record<string, NativeFunction>>(path: string, table: Table): NativeSymbols<Table> {
      // Deno lays handlers over SIGTERM, SIGINT and SIGHUP with the first listener of any signal, and by itself half a second after
      // its start. Those of the library have to lie over them, so Deno's come first.
      const listener = (): void => {};
      deno.addSignalListener(HARMLESS_SIGNAL, listener);
      deno.removeSignalListener(HARMLESS_SIGNAL, listener);
      return deno.dlopen(path, table as Deno.ForeignLibraryInterface).symbols as unknown as NativeSymbols<Table>;
    },
    scratch(byteLength: number): Scratch {
      const buffer = new ArrayBuffer(byteLength);
      return { buffer, native: buffer as unknown as NativeBuffer };
    },
    bufferOf: (buffer: ArrayBuffer): NativeBuffer => buffer as unknown as NativeBuffer,
    alias(address: bigint, byteLength: number): ArrayBuffer {
      const pointer = deno.UnsafePointer.create(address);
      if (pointer === null) throw new TypeError("The address of a window is null");
      return deno.UnsafePointerView.getArrayBuffer(pointer, byteLength);
    },
    watch(descriptor: number, onReadable: () => void): Watcher {
      const socket = new Socket({ fd: descriptor, readable: true, writable: false });
      socket.on("data", onReadable);
      socket.unref();
      return {
        ref: () => void socket.ref(),
        unref: () => void socket.unref(),
        close: () => void socket.destroy(),
      };
    },
  };
}
