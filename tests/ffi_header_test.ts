// SPDX-License-Identifier: Apache-2.0
// src/ffi/symbols.ts and src/errors/status.ts against c_shim/include/qaultra_ipc/qipc.h, read as text: nothing is stated twice
// without being compared.
import { describe, test } from "node:test";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { assert, assertEquals } from "@std/assert";
import { errorClassOfStatus, errorOfStatus, InternalError } from "../src/errors.ts";
import { ABI_VERSION, SYMBOLS } from "../src/ffi/symbols.ts";
import type { NativeFunction, NativeType } from "../src/ffi/types.ts";
import { RING_CAPACITY_MAX, RING_CAPACITY_MIN, RING_ENTRIES_MAX, RING_FLAG_LOSSLESS } from "../src/ring/layout.ts";
import { NAME_BYTES_MAX } from "../src/transport/names.ts";
import { RING_DATA, RING_ROOM, TAKE_ENTRY_WORDS, TAKE_MAX } from "../src/transport/transport.ts";
import { projectFolder } from "./support/runtime.ts";

const header = readFileSync(`${projectFolder}/c_shim/include/qaultra_ipc/qipc.h`, "utf8");
const code = header.replace(/\/\*[\s\S]*?\*\//g, " ").replace(/^\s*#.*$/gm, " ");

/** Functions that TypeScript does not call, with the reason. */
const NOT_CALLED: Readonly<Record<string, string>> = {
  qipc_status_string: "its result is a C string, and each status has an error class with words of its own",
  qipc_subscriber_wait_any: "for programs in C; a script waits for several subscribers in its event loop",
};

/** How a C type is spelled in the symbol table. */
function nativeType(text: string): NativeType {
  const type = text.replace(/\bconst\b/g, "").replace(/\s*\*\s*/, "* ").trim();
  const known: Readonly<Record<string, NativeType>> = { uint32_t: "u32", int32_t: "i32", double: "f64", void: "void" };
  if (type.startsWith("uint8_t*")) return "buffer";
  const found = known[type.split(/\s+/)[0]!];
  assert(found !== undefined, `the header has a type that the table cannot spell: ${text}`);
  return found;
}

/** The prototypes of the header, in its order. */
function prototypes(): Map<string, NativeFunction> {
  const found = new Map<string, NativeFunction>();
  for (
    const [, result, name, list] of code.matchAll(/\b(const char\*|u?int32_t|double)\s+(qipc_\w+)\s*\(([^)]*)\)\s*;/g)
  ) {
    const parameters = list!.trim() === "void" ? [] : list!.split(",").map(nativeType);
    found.set(name!, { parameters, result: result === "const char*" ? "buffer" : nativeType(result!) });
  }
  return found;
}

function constant(name: string): number {
  const found = new RegExp(`^#define ${name}\\s+\\(?(-?\\d+)u?\\)?`, "m").exec(header);
  assert(found !== null, `qipc.h has no ${name}`);
  return Number(found[1]);
}

/** Every status of the header: [name, number]. */
const statuses = [...header.matchAll(/^#define (QIPC_\w+)\s+(\(-\d+\)|\d+)(?=[\s/]|$)/gm)]
  .map(([, name, number]) => [name!, Number(number!.replace(/[()]/g, ""))] as const)
  .filter(([name, number]) => name.startsWith("QIPC_E_") || (number >= 0 && number <= 4));

describe("symbols.ts and qipc.h", () => {
  const declared = prototypes();

  test("the header's prototypes are all found", () => {
    const names = [...new Set(code.match(/\bqipc_[a-z_]+(?=\s*\()/g))];
    assertEquals([...declared.keys()], names);
    assert(names.length > 40);
  });

  test("every function of the table is in the header with the same parameters and result", () => {
    for (const [name, found] of Object.entries(SYMBOLS)) {
      assertEquals({ name, ...declared.get(name) }, { name, parameters: [...found.parameters], result: found.result });
    }
  });

  test("every function of the header is in the table, or is one that is not called", () => {
    const missing = [...declared.keys()].filter((name) => !(name in SYMBOLS));
    assertEquals(missing.sort(), Object.keys(NOT_CALLED).sort());
  });

  test("the built library exports the functions of the header and no other name", () => {
    const listing = execFileSync("nm", ["-D", "--defined-only", `${projectFolder}/build/lib/libqipc.so.1`], {
      encoding: "utf8",
    });
    const exported = listing.trim().split("\n").map((line) => line.split(" ").at(-1)!.replace(/@.*/, ""));
    assertEquals(exported.sort(), [...declared.keys()].sort());
  });

  test("the constants of both are the same", () => {
    assertEquals(ABI_VERSION, constant("QIPC_ABI_VERSION"));
    assertEquals(NAME_BYTES_MAX, constant("QIPC_NAME_BYTES_MAX"));
    assertEquals(TAKE_MAX, constant("QIPC_TAKE_MAX"));
    assertEquals(TAKE_ENTRY_WORDS * 4, constant("QIPC_TAKE_ENTRY_BYTES"));
    assertEquals(RING_CAPACITY_MIN, constant("QIPC_RING_CAPACITY_MIN"));
    assertEquals(RING_CAPACITY_MAX, constant("QIPC_RING_CAPACITY_MAX"));
    assertEquals(RING_ENTRIES_MAX, constant("QIPC_RING_ENTRIES_MAX"));
    assertEquals(RING_FLAG_LOSSLESS, constant("QIPC_RING_LOSSLESS"));
    assertEquals([RING_DATA, RING_ROOM], [constant("QIPC_RING_DATA"), constant("QIPC_RING_ROOM")]);
  });
});

describe("status.ts and qipc.h", () => {
  const errors = statuses.filter(([, number]) => number < 0);

  test("the statuses are numbered without a gap, each number once", () => {
    const numbers = statuses.map(([, number]) => number).sort((a, b) => a - b);
    assertEquals(numbers, Array.from({ length: numbers.length }, (_, index) => index - errors.length));
    assert(errors.length >= 41);
  });

  test("every error status has a class of its own", () => {
    const classes = errors.map(([, number]) => errorClassOfStatus(number));
    assertEquals(new Set(classes).size, errors.length);
    for (const [name, number] of errors) {
      const found = errorClassOfStatus(number);
      if (name !== "QIPC_E_INTERNAL") assert(found !== InternalError, `${name} has no class`);
      assertEquals(found.code, name.replace("QIPC_E_", "QIPC_"));
      assert(errorOfStatus(number, "try") instanceof found);
    }
  });

  test("a status that the header does not have is an InternalError that names it", () => {
    const unknown = -errors.length - 1;
    assertEquals(errorClassOfStatus(unknown), InternalError);
    assert(errorOfStatus(unknown, "try").message.includes(String(unknown)));
  });
});
