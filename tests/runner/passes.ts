// SPDX-License-Identifier: Apache-2.0
import { describe, test } from "node:test";

test("alone", () => {});
describe("group", () => {
  test("first & <second>", () => {});
  describe("deeper", () => {
    test("third", () => {});
  });
});
