// SPDX-License-Identifier: Apache-2.0
import { assert, assertEquals, assertMatch, assertStrictEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as errors from "../src/errors.ts";
import { describeValue, ERROR_CODES, errorClassOfStatus, errorOfStatus, IpcError } from "../src/errors.ts";
import { projectFolder } from "./support/runtime.ts";

/** Names and numbers of the statuses in the C header. */
function statusesOfHeader(): Map<string, number> {
  const header = readFileSync(join(projectFolder, "c_shim/include/qaultra_ipc/qipc.h"), "utf8");
  const found = header.matchAll(/^#define QIPC_E_([A-Z_]+) \((-\d+)\)/gm);
  return new Map([...found].map((match) => [match[1]!, Number(match[2])]));
}

describe("IpcError", () => {
  test("IpcError says action, condition, value, limit and remedy in one sentence", () => {
    const cause = new Error("why");
    const error = new errors.NameTooLongError('open the stream "x"', { value: 120, limit: 100, cause });
    assertEquals(
      error.message,
      'Cannot open the stream "x": the name has too many bytes in UTF-8 (value 120, limit 100); ' +
        "shorten it; longer names would be cut, and two streams could become one",
    );
    assertEquals([error.name, error.code], ["NameTooLongError", "QIPC_NAME_TOO_LONG"]);
    assertEquals([error.value, error.limit, error.cause], [120, 100, cause]);
    assert(error instanceof IpcError && error instanceof Error);
  });

  test("IpcError without details has neither value nor limit nor cause", () => {
    const error = new errors.ClosedError("publish");
    assertMatch(error.message, /^Cannot publish: it is closed; /);
    assertEquals([error.value, error.limit], [undefined, undefined]);
    assert(!("cause" in error));
  });

  test("IpcError takes other words for condition and remedy", () => {
    const error = new errors.ConfigError("make a BroadcastConfig", {
      condition: "maxSubscribers is not an integer from 1",
      value: 0,
      remedy: "give at least 1",
    });
    assertEquals(
      error.message,
      "Cannot make a BroadcastConfig: maxSubscribers is not an integer from 1 (value 0); give at least 1",
    );
    assertEquals(error.remedy, "give at least 1");
  });
});

describe("ERROR_CODES", () => {
  const classes = Object.values(errors).filter((each): each is typeof IpcError => {
    return typeof each === "function" && each.prototype instanceof IpcError;
  });

  test("ERROR_CODES lists every class under its own code, and nothing else", () => {
    assert(classes.length > 50);
    assertEquals(new Set(Object.values(ERROR_CODES)), new Set(classes));
    for (const [code, each] of Object.entries(ERROR_CODES)) assertEquals(each.code, code);
    assertEquals(new Set(Object.keys(ERROR_CODES)).size, classes.length);
  });

  test("ERROR_CODES leads to words in the form of a message", () => {
    for (const [code, each] of Object.entries(ERROR_CODES)) {
      assertMatch(code, /^QIPC_[A-Z_]+$/);
      for (const words of [each.condition, each.remedy]) {
        assertMatch(words, /^[a-z/].*[^.]$/, code);
        assert(words !== IpcError.condition && words !== IpcError.remedy, `${code} has words of its own`);
      }
      assertEquals(new each("do it").code, code);
      assertEquals(new each("do it").name, each.name);
    }
  });

  test("ERROR_CODES can not be changed", () => {
    assert(Object.isFrozen(ERROR_CODES));
  });
});

describe("errorClassOfStatus", () => {
  test("errorClassOfStatus gives each status of qipc.h the class of its name", () => {
    const statuses = statusesOfHeader();
    assert(statuses.size >= 36);
    for (const [name, status] of statuses) assertEquals(errorClassOfStatus(status).code, `QIPC_${name}`);
  });

  test("errorClassOfStatus takes an unknown status for a defect", () => {
    for (const status of [0, 1, -99, -1.5]) assertStrictEquals(errorClassOfStatus(status), errors.InternalError);
  });
});

describe("errorOfStatus", () => {
  test("errorOfStatus carries the details of the shim", () => {
    const error = errorOfStatus(-7, "open", { value: 101, limit: 100, condition: "the stream name is too long" });
    assert(error instanceof errors.NameTooLongError);
    assertMatch(error.message, /^Cannot open: the stream name is too long \(value 101, limit 100\); /);
  });

  test("errorOfStatus names an unknown status", () => {
    const error = errorOfStatus(-99, "open");
    assert(error instanceof errors.InternalError);
    assertMatch(error.message, /unknown status -99/);
  });
});

describe("describeValue", () => {
  test("describeValue shows each kind of value on one short line", () => {
    const shown: [unknown, string][] = [
      ["a\nb", '"a\\nb"'],
      ["x".repeat(500), `"${"x".repeat(120)}..."`],
      [5n, "5n"],
      [-0, "-0"],
      [NaN, "NaN"],
      [true, "true"],
      [undefined, "undefined"],
      [null, "null"],
      [[1, 2], "an array of 2"],
      [new Uint8Array(3), "a view of 3 bytes"],
      [{}, "an object"],
      [() => 1, "a function"],
      [Symbol("s"), "a symbol"],
    ];
    for (const [value, text] of shown) assertEquals(describeValue(value), text);
  });

  test("describeValue never runs the code of a value", () => {
    const hostile = new Proxy({}, {
      get() {
        throw new Error("touched");
      },
    });
    assertEquals(describeValue(hostile), "an object");
  });
});
