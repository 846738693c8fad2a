// SPDX-License-Identifier: Apache-2.0
// A short burst of the fuzzer of the public API: the same episodes each time, and some that nobody has seen. `./x fuzz api` goes on.
import { test } from "node:test";
import { assertEquals, assertGreater } from "@std/assert";
import { playApart, replayCommand } from "./fuzz/campaign.ts";
import { currentRuntime } from "./support/runtime.ts";

const EPISODES = 10;
const FRESH_SEED = Date.now() % 1_000_000_000;

for (const [name, seed] of [["the same seed each time", 1], ["a fresh seed", FRESH_SEED]] as const) {
  test(`the public API keeps its word through random calls, ${name}`, async () => {
    console.log(`seed ${seed}: ${replayCommand(currentRuntime, seed, undefined)}`);
    let calls = 0;
    const failure = await playApart({
      runtime: currentRuntime,
      seed,
      episodes: EPISODES,
      onLine: (line) => calls += "end" in line ? line.calls : 0,
    });
    assertEquals(failure, null, `${failure?.text}\n${replayCommand(currentRuntime, failure?.seed ?? seed, undefined)}`);
    assertGreater(calls, 1000 * EPISODES);
  });
}
