// SPDX-License-Identifier: Apache-2.0
// What a relay allocates for a block: nothing.
import { test } from "node:test";
import { assertEquals, assertLess } from "@std/assert";
import { heapMeterFlags } from "../bench/support/heap.ts";
import { runScript } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";

/** Far less than any object of either engine. */
const BYTES_MAX = 8;

test("Relay.poll: nothing is allocated for a block", async () => {
  await using _roudi = await RouDi.start();
  const [v8] = heapMeterFlags.deno.map((flag) => flag.replace("--v8-flags=--expose-gc,", ""));
  const options = { env: { ...heapMeterFlags.bun, DENO_V8_FLAGS: v8 } };
  const script = await runScript("tests/relay/heap.ts", [], options);
  assertEquals(script.exit?.code, 0, script.report());
  const { bytes, received, relayed } = JSON.parse(script.lines.at(-1)!);
  assertEquals(received, relayed);
  assertLess(bytes, BYTES_MAX);
});
