// SPDX-License-Identifier: Apache-2.0
// However a script ends: with its own exit status, and nothing of it left at the daemon, in /tmp and in /dev/shm.
import { after, before, describe, test } from "node:test";
import process from "node:process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import { Runtime, type RuntimeOptions } from "../mod.ts";
import { NATIVE_STACKS, type NativeStack } from "./support/ground.ts";
import { assertStillWorks } from "./support/misuse.ts";
import { runScript } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";
import { currentRuntime } from "./support/runtime.ts";
import { waitFor } from "./support/wait.ts";

/** How often each way is tried on each lane, where a daemon would keep what is left, and where none would; QIPC_EXIT_TURNS raises it. */
const TURNS = Number(process.env.QIPC_EXIT_TURNS ?? 12);
const IOX2_TURNS = Math.ceil(TURNS / 6);
const LANES = ["auto", "queue"] as const;
/** Scripts that run at once. */
const AT_ONCE = 3;
const ON_PURPOSE = "on purpose";
/** What a call says that comes after the end of the process has closed what it uses. */
const ENDING = /\bClosedError: Cannot [^\n]*/g;

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

/** A runtime that sees what scripts leave. */
interface Watch {
  readonly runtime: Runtime;
  readonly options: RuntimeOptions;
  /** What is there now, of the stack and of rings. */
  files(): string[];
  stop(): Promise<void>;
}

const WATCHES: Readonly<Record<NativeStack, () => Promise<Watch>>> = {
  async iceoryx() {
    // Without monitoring nothing is ever cleared up but by the script itself.
    const roudi = await RouDi.start({ monitoring: false });
    const runtime = Runtime.open();
    const files = (): string[] => readdirSync("/dev/shm").sort();
    return { runtime, options: {}, files, stop: () => (runtime.close(), roudi.stop()) };
  },
  iceoryx2() {
    const root = mkdtempSync(join(tmpdir(), "exit-"));
    const options = { stack: "iceoryx2", root, prefix: `exit_${process.pid}_` } as const;
    const runtime = Runtime.open(options);
    const files = (): string[] =>
      [...readdirSync("/dev/shm"), ...readdirSync(root, { recursive: true }) as string[]].sort();
    const stop = (): Promise<void> => Promise.resolve((runtime.close(), rmSync(root, { recursive: true })));
    return Promise.resolve({ runtime, options, files, stop });
  },
};

for (const stack of NATIVE_STACKS) {
  const turns = stack === "iceoryx" ? TURNS : IOX2_TURNS;
  describe(`a script on ${stack}, ${turns} times each on each lane`, () => {
    let watch: Watch;
    let known: string[];
    before(async () => {
      watch = await WATCHES[stack]();
      // Folders are made with the first stream.
      assertStillWorks(watch.runtime);
      known = watch.files();
    });
    after(() => watch.stop());

    async function leave(way: string, code: number, lane: (typeof LANES)[number]): Promise<void> {
      const script = await runScript("tests/exit/leave.ts", [way, lane, JSON.stringify(watch.options)]);
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
        const lanes = Array.from({ length: turns }, () => LANES).flat();
        for (let first = 0; first < lanes.length; first += AT_ONCE) {
          await Promise.all(lanes.slice(first, first + AT_ONCE).map((lane) => leave(way, code, lane)));
        }
        const { runtime } = watch;
        await waitFor(() => runtime.streams().length === 0, { what: "no port to be listed" }).catch((error) => {
          throw new Error(`${error.message}: ${JSON.stringify(runtime.streams())}`);
        });
        assertEquals(watch.files(), known);
        assertStillWorks(runtime);
      });
    }
  });
}
