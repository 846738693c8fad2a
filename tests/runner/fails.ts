// SPDX-License-Identifier: Apache-2.0
import { describe, test } from "node:test";
import { fail } from "@std/assert";

test("good", () => {});
describe("group", () => {
  test("bad", () => fail("on purpose"));
});
