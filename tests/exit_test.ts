// SPDX-License-Identifier: Apache-2.0
// However a script ends: with its own exit status, and nothing of it left at the daemon, in /tmp and in /dev/shm.
import { after, before, describe, test } from "node:test";
import process from "node:process";
import { readdirSync } from "node:fs";
import { assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import { Runtime } from "../mod.ts";
import { assertStillWorks } from "./support/misuse.ts";
import { runScript } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";
import { currentRuntime } from "./support/runtime.ts";
import { waitFor } from "./support/wait.ts";

/** How often each way is tried on each lane; QIPC_EXIT_TURNS raises it. */
const TURNS = Number(process.env.QIPC_EXIT_TURNS ?? 12);
const LANES = ["auto", "queue"] as const;
/** Scripts that run at once. */
const AT_ONCE = 3;
const ON_PURPOSE = "on purpose";
/** What a call says after the process has disconnected. */
const ENDING = /\bClosedError: Cannot [^\n]*this process (is ending|has disconnected for good)/g;

/** The ways that exit/leave.ts knows, with the exit status of each. */
const WAYS: Readonly<Record<string, number>> = {
  "ends": 0,
  "ends after its runtime was closed": 0,
  "throws": 1,
  "has an unhandled rejection": 1,
  "calls process.exit": 7,
  ...(currentRuntime === "deno" && { "calls Deno.exit": 7 }),
  "calls process.exit in a timer beside a parked loop": 7,
  "throws in a timer beside a parked loop": 1,
  "calls process.exit in a poll handler": 7,
  "throws in a poll handler": 1,
  "calls process.exit in a loop": 7,
  "throws in a loop": 1,
  "calls process.exit over a Worker in waitSync": 7,
  "calls process.exit over a Worker in a parked loop": 7,
  "throws over a Worker in a parked loop": 1,
  "ends after its Worker was terminated": 0,
};

describe(`a script, ${TURNS} times each on each lane`, () => {
  let roudi: RouDi;
  let runtime: Runtime;
  let shared: string[];
  before(async () => {
    // Without monitoring nothing is ever cleared up but by the script itself.
    roudi = await RouDi.start({ monitoring: false });
    runtime = Runtime.open();
    shared = readdirSync("/dev/shm").sort();
  });
  after(async () => {
    runtime.close();
    await roudi.stop();
  });

  async function leave(way: string, code: number, lane: (typeof LANES)[number]): Promise<void> {
    const script = await runScript("tests/exit/leave.ts", [way, lane]);
    assertEquals(script.exit, { code, signal: null }, script.report());
    const [pid] = script.lines;
    if (code === 1) assertStringIncludes(script.stderr, ON_PURPOSE);
    else if (!way.includes("in waitSync")) assertEquals(script.stderr, "");
    // A Worker that waits in its thread is woken and told why, and Deno may find the time to say that it did not catch it.
    const said = way.includes("in waitSync") ? script.stderr.replace(ENDING, "") : script.stderr;
    assertNotMatch(said, /\b[A-Z]\w+Error: Cannot|panic|Segmentation|core dumped/);
    const files = readdirSync("/tmp").filter((name) => name.startsWith(`qipc-${pid}-`) || name.includes(`-${pid}-`));
    assertEquals(files, [], script.report());
  }

  for (const [way, code] of Object.entries(WAYS)) {
    test(`that ${way} leaves nothing behind`, async () => {
      const lanes = Array.from({ length: TURNS }, () => LANES).flat();
      for (let first = 0; first < lanes.length; first += AT_ONCE) {
        await Promise.all(lanes.slice(first, first + AT_ONCE).map((lane) => leave(way, code, lane)));
      }
      await waitFor(() => runtime.streams().length === 0, { what: "RouDi to list no port" }).catch((error) => {
        throw new Error(`${error.message}: ${JSON.stringify(runtime.streams())}`);
      });
      assertEquals(readdirSync("/dev/shm").sort(), shared);
      assertStillWorks(runtime);
    });
  }
});
