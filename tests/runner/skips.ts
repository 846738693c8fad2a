// SPDX-License-Identifier: Apache-2.0
import { test } from "node:test";

test("good", () => {});
test("left out", { skip: true }, () => {});
