// SPDX-License-Identifier: Apache-2.0
// A short burst of the fuzzer of the public API: the same episodes each time, and some that nobody has seen. `./x fuzz api` goes on.
import { test } from "node:test";
import { assertEquals, assertGreater } from "@std/assert";
import { playApart, replayCommand } from "./fuzz/campaign.ts";
import { NATIVE_STACKS } from "./support/ground.ts";
import { currentRuntime as runtime } from "./support/runtime.ts";

/** Of each stack. */
const EPISODES = { iceoryx: 10, iceoryx2: 6 };
const FRESH_SEED = Date.now() % 1_000_000_000;

for (const stack of NATIVE_STACKS) {
  const episodes = EPISODES[stack];
  for (const [name, seed] of [["the same seed each time", 1], ["a fresh seed", FRESH_SEED]] as const) {
    test(`the public API keeps its word through random calls on ${stack}, ${name}`, async () => {
      console.log(`seed ${seed}: ${replayCommand(stack, runtime, seed, undefined)}`);
      let calls = 0;
      const onLine = (line: object): void => void (calls += "calls" in line ? Number(line.calls) : 0);
      const failure = await playApart({ stack, runtime, seed, episodes, onLine });
      assertEquals(
        failure,
        null,
        `${failure?.text}\n${replayCommand(stack, runtime, failure?.seed ?? seed, undefined)}`,
      );
      assertGreater(calls, 1000 * episodes);
    });
  }
}
