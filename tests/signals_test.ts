// SPDX-License-Identifier: Apache-2.0
// SIGINT, SIGTERM and SIGHUP while calls run in a tight loop: they do what the script has set up for them, the daemon stays
// healthy, and the loop loses nothing.
import { after, before, describe, test } from "node:test";
import process from "node:process";
import { readdirSync } from "node:fs";
import { assertEquals } from "@std/assert";
import { Runtime } from "../mod.ts";
import { assertStillWorks } from "./support/misuse.ts";
import { type Process, startScript } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";
import { currentRuntime } from "./support/runtime.ts";
import { delay, waitFor } from "./support/wait.ts";

/** How often each way is tried on each lane; QIPC_SIGNAL_TRIALS raises it. */
const TRIALS = Number(process.env.QIPC_SIGNAL_TRIALS ?? 6);
/** Signals sent to one script that listens. */
const SENT = 20;
const LANES = ["auto", "queue"] as const;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const APIS = currentRuntime === "deno" ? ["process", "Deno"] : ["process"];

let roudi: RouDi;
let runtime: Runtime;
before(async () => {
  roudi = await RouDi.start({ blocks: 1024 });
  runtime = Runtime.open();
});
after(async () => {
  runtime.close();
  await roudi.stop();
});

/** Starts the loop, and resolves some moments after it has begun, so that signals hit it anywhere. */
async function startBusy(...args: readonly string[]): Promise<Process> {
  const script = startScript("tests/signals/busy.ts", args);
  await script.waitForLine("ready");
  await delay(Math.random() * 10);
  return script;
}

/** The daemon takes new ports and processes, as one that hangs does not. */
async function assertHealthy(): Promise<void> {
  assertStillWorks(runtime);
  await using script = startScript("tests/support/opener.ts");
  assertEquals(JSON.parse(await script.nextLine()).works, true, script.report());
  script.closeInput();
  assertEquals(await script.exited(), { code: 0, signal: null });
  // Whoever opens a runtime removes the rings that killed scripts have left.
  assertEquals(readdirSync("/dev/shm").filter((name) => name.startsWith("qaultra-")), []);
}

async function assertKilledBy(signal: (typeof SIGNALS)[number], ...args: readonly string[]): Promise<void> {
  await using script = await startBusy(...args);
  script.kill(signal);
  assertEquals(await script.exited(), { code: null, signal }, script.report());
  assertEquals([script.lines.join(), script.stderr], ["ready", ""]);
}

describe("a signal without a listener", () => {
  for (const signal of SIGNALS) {
    test(`${signal} ends the script by that very signal, ${TRIALS} times on each lane, and RouDi stays healthy`, async () => {
      for (const lane of LANES) {
        for (let trial = 0; trial < TRIALS; trial++) await assertKilledBy(signal, lane, "never");
      }
      await assertHealthy();
      await waitFor(() => runtime.streams().length === 0, { what: "RouDi to take the dead scripts' ports apart" });
    });
  }
});

for (const api of APIS) {
  describe(`a signal with a listener by ${api === "Deno" ? "Deno.addSignalListener" : "process.on"}`, () => {
    for (
      const [when, lane] of [["before", "auto"], ["before", "queue"], ["after", "auto"], ["after", "queue"]] as const
    ) {
      test(`lane ${lane}: installed ${when} Runtime.open gets each signal exactly once, and the loop goes on`, async () => {
        await using script = await startBusy(lane, when, api);
        const sent: string[] = [];
        for (let turn = 0; turn < SENT; turn++) {
          const signal = SIGNALS[turn % SIGNALS.length]!;
          sent.push(`got ${signal}`);
          script.kill(signal);
          assertEquals(await script.nextLine(), `got ${signal}`, script.report());
          await delay(Math.random() * 5);
        }
        script.closeInput();
        assertEquals(await script.exited(), { code: 0, signal: null }, script.report());
        assertEquals(script.lines, ["ready", ...sent, "ended true"]);
        await assertHealthy();
      });
    }

    test("installed and removed gives the default back", async () => {
      for (const signal of SIGNALS) {
        for (const lane of LANES) {
          for (let trial = 0; trial < Math.ceil(TRIALS / 3); trial++) {
            await assertKilledBy(signal, lane, "removed", api);
          }
        }
      }
      await assertHealthy();
    });
  });
}

for (const lane of LANES) {
  test(`lane ${lane}: signals that come faster than they are handled end nothing and lose no kind`, async () => {
    await using script = await startBusy(lane, "after");
    for (let turn = 0; turn < 50; turn++) {
      for (const signal of SIGNALS) script.kill(signal);
      await delay(1);
    }
    await waitFor(() => script.exit !== null || SIGNALS.every((signal) => script.lines.includes(`got ${signal}`)));
    script.closeInput();
    assertEquals(await script.exited(), { code: 0, signal: null }, script.report());
    assertEquals(script.lines.at(-1), "ended true");
    await assertHealthy();
  });
}
