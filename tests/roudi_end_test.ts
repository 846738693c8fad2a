// SPDX-License-Identifier: Apache-2.0
// RouDi is asked to end: it sends SIGTERM to every process that it knows, four times a second, and kills the last ones after 45 s.
// Scripts disconnect, live on with their rings, and attach to the next one; SIGTERM of anybody else is what it always was.
import { afterEach, describe, test } from "node:test";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { assert, assertEquals, assertLess } from "@std/assert";
import { Runtime } from "../mod.ts";
import { assertStillWorks } from "./support/misuse.ts";
import { type Process, startScript } from "./support/process.ts";
import { findRouDis, RouDi, stopAllRouDis } from "./support/roudi.ts";
import { waitFor } from "./support/wait.ts";

/** RouDi waits for as long as somebody is registered. Far less than the 45 s after which it kills. */
const END_MS = 10_000;
const SIGUSR1 = 10;

interface Said {
  readonly state: string;
  readonly heard: number;
  readonly isWhole: boolean;
  readonly sentBlocks: number;
}

async function ask(script: Process): Promise<Said> {
  script.writeLine("");
  return JSON.parse(await script.nextLine());
}

async function start(load: string, when: string): Promise<Process> {
  const script = startScript("tests/signals/outlive.ts", [load, when]);
  await script.waitForLine("ready");
  return script;
}

/** Whether a process has a handler for a signal. */
function catches(pid: number, signal: number): boolean {
  const caught = /^SigCgt:\s*(\w+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]!;
  return (BigInt(`0x${caught}`) >> BigInt(signal - 1) & 1n) === 1n;
}

/** The streams of scripts that RouDi knows of. */
function countStreams(runtime: Runtime): number {
  return runtime.streams().filter(({ stream }) => stream.startsWith("outlive-")).length;
}

/** Ends RouDi by SIGTERM; it must need nobody's death for that. */
async function endInTime(roudi: RouDi): Promise<void> {
  const began = performance.now();
  await roudi.terminate();
  assertLess(performance.now() - began, END_MS);
  const left = readdirSync("/dev/shm").filter((name) => !/^qaultra-(ring|readers)-/.test(name));
  assertEquals(left, [], roudi.output);
}

afterEach(async () => {
  await stopAllRouDis();
});

describe("a script whose RouDi is ended by SIGTERM", () => {
  for (const load of ["idle", "busy", "stuck"]) {
    test(`${load}: lives on with its rings, hears nothing, and attaches to the next RouDi, with and without a listener`, async () => {
      let roudi = await RouDi.start({ blocks: 64 });
      const scripts: Process[] = [];
      try {
        for (const when of ["never", "before", "after"]) scripts.push(await start(load, when));
        await endInTime(roudi);
        const before: Said[] = [];
        for (const script of scripts) {
          const said = await ask(script);
          assertEquals([said.state, said.heard, said.isWhole], ["detached", 0, true], script.report());
          before.push(said);
        }
        roudi = await RouDi.start({ blocks: 64 });
        for (const [index, script] of scripts.entries()) {
          await waitFor(async () => (await ask(script)).state === "attached");
          const said = await ask(script);
          assertEquals([said.heard, said.isWhole], [0, true]);
          assert(said.sentBlocks > before[index]!.sentBlocks);
        }
        using runtime = Runtime.open();
        await waitFor(async () => {
          for (const script of scripts) await ask(script);
          return countStreams(runtime) === scripts.length;
        });
        for (const script of scripts) {
          script.closeInput();
          assertEquals(await script.exited(), { code: 0, signal: null }, script.report());
        }
      } finally {
        for (const script of scripts) await script[Symbol.asyncDispose]();
      }
    });

    test(`${load}: SIGTERM of somebody else ends it, or calls its listener, before and after that`, async () => {
      const roudi = await RouDi.start({ blocks: 64 });
      await using first = await start(load === "stuck" ? "busy" : load, "never");
      await using second = await start(load, "never");
      await using listening = await start(load === "stuck" ? "busy" : load, "before");
      first.kill("SIGTERM");
      assertEquals(await first.exited(), { code: null, signal: "SIGTERM" });
      // A RouDi that is ended before it has noticed a death aborts: it takes it for an error that the process is not there.
      const runtime = Runtime.open();
      await waitFor(() => countStreams(runtime) === 2);
      runtime.close();
      listening.kill("SIGTERM");
      await waitFor(async () => (await ask(listening)).heard === 1);
      await endInTime(roudi);
      assertEquals((await ask(second)).state, "detached");
      second.kill("SIGTERM");
      assertEquals(await second.exited(), { code: null, signal: "SIGTERM" });
      listening.kill("SIGTERM");
      await waitFor(async () => (await ask(listening)).heard === 2);
    });
  }

  test("at the moment at which Deno lays its handlers over those that are there: it lives on", async () => {
    for (let round = 0; round < 5; round++) {
      const roudi = await RouDi.start({ blocks: 64 });
      await using script = startScript("tests/signals/outlive.ts", ["idle", "never"], { runtime: "deno" });
      await script.waitForLine("ready");
      // Half a second after its start, with the one for SIGUSR1. Nothing else runs here, to be fast.
      for (const began = performance.now(); !catches(script.pid, SIGUSR1) && performance.now() - began < 3000;);
      await endInTime(roudi);
      assertEquals((await ask(script)).state, "detached", script.report());
    }
  });

  test("this process, which has a loop that is parked: it ends with close only, and no signal is seen", async () => {
    const roudi = await RouDi.start({ blocks: 64 });
    using runtime = Runtime.open();
    assertStillWorks(runtime);
    await endInTime(roudi);
    assertEquals(runtime.state, "detached");
    await using _next = await RouDi.start({ blocks: 64 });
    await waitFor(() => runtime.state === "attached");
    assertStillWorks(runtime);
  });

  test("a RouDi that was spawned is started again", async () => {
    using runtime = Runtime.open({ roudi: "spawn", poolMemoryMb: 8 });
    const [first] = findRouDis();
    for (let turn = 0; turn < 2; turn++) {
      const before = findRouDis()[0]!;
      process.kill(before, "SIGTERM");
      await waitFor(() => findRouDis().some((pid) => pid !== before) && runtime.state === "attached");
      assertStillWorks(runtime);
    }
    assert(!findRouDis().includes(first!));
    runtime.close();
    await waitFor(() => findRouDis().length === 0, { what: "RouDi to end" });
  });
});
