// SPDX-License-Identifier: Apache-2.0
// The backends and the library lookup, built from fakes of the runtimes: what they ask of a runtime, without a library.
import { describe, test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AbiMismatchError, LibraryNotFoundError, PermissionError } from "../src/errors.ts";
import { type BunFfi, type BunParts, createBunBackend } from "../src/ffi/backend_bun.ts";
import { createDenoBackend, type DenoParts } from "../src/ffi/backend_deno.ts";
import { LIBRARIES, loadLibrary } from "../src/ffi/library.ts";
import { ABI_VERSION, SYMBOLS } from "../src/ffi/symbols.ts";
import type { Backend, NativeFunction } from "../src/ffi/types.ts";
import { assertMisuse } from "./support/misuse.ts";
import { projectFolder } from "./support/runtime.ts";

/** A fake of the global `Deno`: permissions and variables as given, and every library an object of its path. */
function fakeDeno(permissions: Record<string, string>, variables: Record<string, string> = {}) {
  const asked: string[] = [];
  const deno = {
    permissions: {
      querySync(descriptor: { name: string; variable?: string; path?: string }): { state: string } {
        asked.push([descriptor.name, descriptor.variable ?? descriptor.path ?? ""].join(" ").trim());
        return { state: permissions[descriptor.name] ?? "prompt" };
      },
    },
    env: {
      get(name: string): string | undefined {
        asked.push(`get ${name}`);
        return variables[name];
      },
    },
    dlopen: (path: string, table: unknown) => ({ symbols: { path, table } }),
    UnsafePointer: { create: (address: bigint) => address === 0n ? null : { address } },
    UnsafePointerView: { getArrayBuffer: (_pointer: unknown, length: number) => new ArrayBuffer(length) },
  } as unknown as DenoParts;
  return { deno, asked };
}

describe("createDenoBackend", () => {
  test("requirePermission passes with an unrestricted grant and never prompts", () => {
    const { deno, asked } = fakeDeno({ ffi: "granted" });
    createDenoBackend(deno).requirePermission();
    assertEquals(asked, ["ffi"]);
    for (const state of ["prompt", "denied"]) {
      assertMisuse(() => createDenoBackend(fakeDeno({ ffi: state }).deno).requirePermission(), PermissionError, {
        says: ["single paths", "--allow-ffi"],
      });
    }
  });

  test("environment reads a variable only where that was granted", () => {
    const refused = fakeDeno({ env: "prompt" }, { NAME: "value" });
    assertEquals(createDenoBackend(refused.deno).environment("NAME"), undefined);
    assertEquals(refused.asked, ["env NAME"]);
    const granted = fakeDeno({ env: "granted" }, { NAME: "value" });
    assertEquals(createDenoBackend(granted.deno).environment("NAME"), "value");
  });

  test("load hands the table on as it is", () => {
    const table: Record<string, NativeFunction> = { f: { parameters: ["u32", "buffer"], result: "i32" } };
    const loaded = createDenoBackend(fakeDeno({}).deno).load("/a.so", table) as unknown;
    assertEquals(loaded, { path: "/a.so", table });
  });

  test("scratch is its own memory, and an alias of address 0 is refused", () => {
    const backend = createDenoBackend(fakeDeno({}).deno);
    const { buffer, native } = backend.scratch(24);
    assertEquals([buffer.byteLength, native as unknown], [24, buffer]);
    assertEquals(backend.alias(4096n, 64).byteLength, 64);
    assertThrows(() => backend.alias(0n, 64), TypeError);
  });
});

interface FakeSocket {
  calls: string[];
  ref(): void;
  unref(): void;
  end(): void;
}

/** A fake of the global `Bun`, whose sockets open when the test says so, and of `bun:ffi`. */
function fakeBun() {
  type Options = Parameters<BunParts["connect"]>[0];
  const connected: Options[] = [];
  const bun: BunParts = {
    env: { NAME: "value" },
    connect(options) {
      connected.push(options);
      return Promise.resolve();
    },
  };
  const aliased: unknown[] = [];
  const ffi: BunFfi = {
    dlopen: (path, table) => ({ symbols: { path, table } }),
    ptr: (view) => view.byteLength,
    toArrayBuffer(address, offset, byteLength) {
      aliased.push([address, offset, byteLength]);
      return new ArrayBuffer(byteLength);
    },
  };
  const calls: string[] = [];
  const socket: FakeSocket = {
    calls,
    ref: () => void calls.push("ref"),
    unref: () => void calls.push("unref"),
    end: () => void calls.push("end"),
  };
  return { bun, ffi, connected, aliased, socket };
}

describe("createBunBackend", () => {
  test("load spells the table for bun:ffi: buffers are pointers", () => {
    const { bun, ffi } = fakeBun();
    const table: Record<string, NativeFunction> = { f: { parameters: ["u32", "buffer", "f64"], result: "i32" } };
    const loaded = createBunBackend(ffi, bun).load("/a.so", table) as unknown;
    assertEquals(loaded, { path: "/a.so", table: { f: { args: ["u32", "ptr", "f64"], returns: "i32" } } });
  });

  test("environment, scratch and alias pass on what they are given", () => {
    const { bun, ffi, aliased } = fakeBun();
    const backend = createBunBackend(ffi, bun);
    backend.requirePermission();
    assertEquals([backend.environment("NAME"), backend.environment("OTHER")], ["value", undefined]);
    const { buffer, native } = backend.scratch(24);
    assertEquals([buffer.byteLength, native as unknown], [24, 24]);
    backend.alias(4096n, 64);
    assertEquals(aliased, [[4096, 0, 64]]);
  });

  test("watch begins unreferenced and calls back for data", () => {
    const { bun, ffi, connected, socket } = fakeBun();
    let readable = 0;
    createBunBackend(ffi, bun).watch(7, () => readable++);
    assertEquals(connected[0]!.fd, 7);
    connected[0]!.socket.open(socket);
    assertEquals(socket.calls, ["unref"]);
    connected[0]!.socket.data();
    assertEquals(readable, 1);
  });

  test("watch keeps what is asked of it before its socket opens", () => {
    const { bun, ffi, connected, socket } = fakeBun();
    const watcher = createBunBackend(ffi, bun).watch(7, () => {});
    watcher.ref();
    connected[0]!.socket.open(socket);
    assertEquals(socket.calls, []);
    watcher.unref();
    watcher.ref();
    watcher.close();
    assertEquals(socket.calls, ["unref", "ref", "end"]);
  });

  test("watch that is closed before its socket opens ends it then", () => {
    const { bun, ffi, connected, socket } = fakeBun();
    const watcher = createBunBackend(ffi, bun).watch(7, () => {});
    watcher.close();
    connected[0]!.socket.open(socket);
    assertEquals(socket.calls, ["end"]);
  });
});

/** A fake backend whose loader knows the given paths, with the ABI version of each. */
function fakeBackend(known: Record<string, number>, variables: Record<string, string> = {}) {
  const tried: string[] = [];
  const backend = {
    name: "deno",
    requirePermission: () => void tried.push("permission"),
    environment: (name: string) => variables[name],
    load(path: string, table: unknown) {
      assertEquals(table, SYMBOLS);
      tried.push(path);
      if (known[path] === undefined) throw new Error(`the loader does not like ${path}`);
      return { path, qipc_abi_version: () => known[path] };
    },
  } as unknown as Backend;
  return { backend, tried };
}

for (const stack of ["iceoryx", "iceoryx2"] as const) {
  describe(`loadLibrary of ${stack}`, () => {
    const version = ABI_VERSION;
    const { name, variable } = LIBRARIES[stack];
    const built = `${projectFolder}/build/lib/${name}`;

    test("asks for the permission first, then tries the soname, then the build folder", () => {
      const both = fakeBackend({ [name]: version, [built]: version });
      assertEquals((loadLibrary(both.backend, stack) as unknown as { path: string }).path, name);
      assertEquals(both.tried, ["permission", name]);
      const folder = fakeBackend({ [built]: version });
      assertEquals((loadLibrary(folder.backend, stack) as unknown as { path: string }).path, built);
      assertEquals(folder.tried, ["permission", name, built]);
    });

    test("tries what the option names alone, else what the variable names alone", () => {
      const all = { "/option.so": version, "/variable.so": version, [name]: version };
      const variables = { [variable]: "/variable.so" };
      const option = fakeBackend(all, variables);
      loadLibrary(option.backend, stack, "/option.so");
      assertEquals(option.tried, ["permission", "/option.so"]);
      const named = fakeBackend(all, variables);
      loadLibrary(named.backend, stack);
      assertEquals(named.tried, ["permission", "/variable.so"]);
      const wrong = fakeBackend({ [name]: version }, variables);
      assertMisuse(() => loadLibrary(wrong.backend, stack), LibraryNotFoundError, {
        says: ["does not like /variable.so"],
      });
    });

    test("names each candidate with the loader's words, and keeps the last as the cause", () => {
      const { backend } = fakeBackend({});
      const error = assertMisuse(() => loadLibrary(backend, stack), LibraryNotFoundError, {
        says: [
          `${name}: the loader does not like ${name}`,
          `${built}: the loader does not like ${built}`,
        ],
      });
      assert(error.cause instanceof Error && error.cause.message.includes(built));
    });

    test("refuses another ABI version at once, with both numbers", () => {
      const { backend, tried } = fakeBackend({ [name]: version + 1, [built]: version });
      assertMisuse(() => loadLibrary(backend, stack), AbiMismatchError, { value: version + 1, limit: version });
      assertEquals(tried, ["permission", name]);
    });
  });
}
