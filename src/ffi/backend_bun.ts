// SPDX-License-Identifier: Apache-2.0
import { existsSync } from "node:fs";
import type { Backend, NativeBuffer, NativeFunction, NativeSymbols, Scratch, Watcher } from "./types.ts";

/** The functions of `bun:ffi` that the backend uses. */
export interface BunFfi {
  dlopen(path: string, table: Record<string, { args: string[]; returns: string }>): { symbols: unknown };
  ptr(view: Uint8Array): number;
  toArrayBuffer(address: number, offset: number, byteLength: number): ArrayBuffer;
}

interface BunSocket {
  ref(): void;
  unref(): void;
  end(): void;
}

/** The parts of the global `Bun` that the backend uses. */
export interface BunParts {
  readonly env: Record<string, string | undefined>;
  connect(options: {
    fd: number;
    socket: { open(socket: BunSocket): void; data(): void; error(): void; connectError(): void };
  }): Promise<unknown>;
}

/**
 * Makes the backend for Bun.
 *
 * @param ffi The module `bun:ffi`, or a stand-in.
 * @param bun The global `Bun`, or a stand-in.
 * @returns The backend.
 */
export function createBunBackend(ffi: BunFfi, bun: BunParts): Backend {
  return {
    name: "bun",
    requirePermission(): void {},
    environment: (name: string): string | undefined => bun.env[name],
    load<Table extends Record<string, NativeFunction>>(path: string, table: Table): NativeSymbols<Table> {
      // Bun would look in the current folder for a name that the loader does not find, and run what lies there.
      if (!path.includes("/") && existsSync(path)) {
        throw new Error("a file of this name lies in the current folder, which is no place to load it from");
      }
      const spelled: Record<string, { args: string[]; returns: string }> = {};
      for (const [name, { parameters, result }] of Object.entries(table)) {
        spelled[name] = { args: parameters.map((type) => type === "buffer" ? "ptr" : type), returns: result };
      }
      return ffi.dlopen(path, spelled).symbols as NativeSymbols<Table>;
    },
    scratch(byteLength: number): Scratch {
      // The ArrayBuffer comes first: a Uint8Array made on its own may move when its buffer is asked for later.
      const buffer = new ArrayBuffer(byteLength);
      return { buffer, native: ffi.ptr(new Uint8Array(buffer)) as unknown as NativeBuffer };
    },
    bufferOf: (buffer: ArrayBuffer): NativeBuffer => ffi.ptr(new Uint8Array(buffer)) as unknown as NativeBuffer,
    alias(address: bigint, byteLength: number): ArrayBuffer {
      return ffi.toArrayBuffer(Number(address), 0, byteLength);
    },
    watch(descriptor: number, onReadable: () => void): Watcher {
      // Bun opens the descriptor in a later turn of the event loop: what is asked of it before is kept until then.
      let socket: BunSocket | undefined;
      let referenced = false;
      let closed = false;
      const ignore = (): void => {};
      void bun.connect({
        fd: descriptor,
        socket: {
          open(opened: BunSocket): void {
            socket = opened;
            if (closed) opened.end();
            else if (!referenced) opened.unref();
          },
          data: onReadable,
          error: ignore,
          connectError: ignore,
        },
      });
      return {
        ref(): void {
          referenced = true;
          socket?.ref();
        },
        unref(): void {
          referenced = false;
          socket?.unref();
        },
        close(): void {
          closed = true;
          socket?.end();
        },
      };
    },
  };
}
