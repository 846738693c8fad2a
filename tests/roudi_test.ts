// SPDX-License-Identifier: Apache-2.0
// roudi: "require" and "spawn": who starts RouDi, who shares it, when it ends, and what it leaves behind: nothing.
import { afterEach, describe, test } from "node:test";
import { execFileSync } from "node:child_process";
import process from "node:process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  BroadcastConfig,
  DaemonHungError,
  DataBroadcaster,
  OptionsDifferError,
  Runtime,
  type RuntimeOptions,
  SharedMemoryTooSmallError,
} from "../mod.ts";
import { assertMisuse, assertStillWorks } from "./support/misuse.ts";
import type { Opened } from "./support/opener.ts";
import { type Process, type ProgramOptions, startScript } from "./support/process.ts";
import { findRouDis, RouDi, stopAllRouDis } from "./support/roudi.ts";
import { waitFor } from "./support/wait.ts";

const SPAWN = { roudi: "spawn", poolMemoryMb: 8 } as const;

/** Starts a script that opens a runtime; `opened` resolves to what it said. */
function start(options: RuntimeOptions, program: ProgramOptions = {}): { script: Process; opened: Promise<Opened> } {
  const script = startScript("tests/support/opener.ts", [JSON.stringify(options)], program);
  const opened = script.nextLine().then((line) => JSON.parse(line) as Opened);
  opened.catch(() => {});
  return { script, opened };
}

/** Starts one and resolves when it works. */
async function startWorking(options: RuntimeOptions): Promise<Process> {
  const { script, opened } = start(options);
  const said = await opened;
  assertEquals([said.state, said.works, said.error], ["attached", true, undefined]);
  return script;
}

/** Lets a script end in order. */
async function end(script: Process): Promise<void> {
  script.closeInput();
  assertEquals(await script.exited(), { code: 0, signal: null }, script.report());
}

/** The segments of rings. */
function ringFiles(): string[] {
  return readdirSync("/dev/shm").filter((name) => /^qaultra-(ring|readers)-/.test(name));
}

/** What the module or RouDi have in /tmp and /dev/shm, but for rings that killed scripts left for the next runtime to remove. */
function leftovers(killed: readonly string[]): string[] {
  const shared = readdirSync("/dev/shm").filter((name) => !killed.includes(name)).map((name) => `/dev/shm/${name}`);
  const names = readdirSync("/tmp").filter((name) => /^qipc|^roudi$|^roudi\.lock$/.test(name));
  return [...shared, ...names.map((name) => `/tmp/${name}`)];
}

/** The sockets and locks of runtimes. */
function runtimeFiles(): string[] {
  return readdirSync("/tmp").filter((name) => /^qipc-\d+-/.test(name));
}

/** Waits until no RouDi runs and nothing of one is left, nor of a ring but those that killed scripts had. */
async function waitForNothing(killed: readonly string[] = []): Promise<void> {
  await waitFor(() => findRouDis().length === 0, { what: "RouDi to end" });
  await waitFor(() => leftovers(killed).length === 0, { what: "RouDi's files to go" }).catch((error) => {
    throw new Error(`${error.message}: ${leftovers(killed).join(" ")}`);
  });
}

/** Makes /dev/shm this large; this test's mounts are its own. */
function resizeSharedMemory(size: string): void {
  assert(
    process.env.QIPC_NAMESPACE !== "none",
    "the machine's own /dev/shm is not to be made smaller: use a namespace",
  );
  execFileSync("mount", ["--no-mtab", "-o", `remount,size=${size}`, "/dev/shm"]);
}

afterEach(async () => {
  await stopAllRouDis();
});

describe('roudi: "spawn"', () => {
  test("starts a RouDi, which ends with the runtime and leaves nothing behind, three times", async () => {
    for (let turn = 0; turn < 3; turn++) {
      const runtime = Runtime.open(SPAWN);
      assertEquals(findRouDis().length, 1);
      assertStillWorks(runtime);
      runtime.close();
      await waitForNothing();
    }
  });

  test("uses a healthy RouDi that is there, and leaves it alone at the end", async () => {
    await using roudi = await RouDi.start({ blocks: 32 });
    const runtime = Runtime.open(SPAWN);
    assertEquals(findRouDis(), [roudi.pid]);
    assertStillWorks(runtime);
    runtime.close();
    await end(await startWorking(SPAWN));
    assert(roudi.isRunning);
    assertEquals(findRouDis(), [roudi.pid]);
  });

  test("keeps RouDi until the last script that asked for it has ended, whoever started it", async () => {
    await using first = await startWorking(SPAWN);
    const [roudi] = findRouDis();
    await using second = await startWorking(SPAWN);
    await end(first);
    assertEquals(findRouDis(), [roudi]);
    await using third = await startWorking(SPAWN);
    await end(second);
    await end(await startWorking({ roudi: "require" }));
    assertEquals(findRouDis(), [roudi]);
    await end(third);
    await waitForNothing();
  });

  test("keeps RouDi for a second handle of the same process", async () => {
    const runtime = Runtime.open(SPAWN);
    const handle = Runtime.open(SPAWN);
    assertMisuse(() => Runtime.open({ ...SPAWN, poolMemoryMb: 9 }), OptionsDifferError);
    runtime.close();
    assertEquals(findRouDis().length, 1);
    assertStillWorks(handle);
    handle.close();
    await waitForNothing();
  });

  test("with keepRoudi leaves RouDi running, for scripts that require one and those that would spawn", async () => {
    await end(await startWorking({ ...SPAWN, keepRoudi: true }));
    const [roudi] = findRouDis();
    assert(roudi !== undefined);
    await end(await startWorking({ roudi: "require" }));
    await end(await startWorking(SPAWN));
    using runtime = Runtime.open();
    assertStillWorks(runtime);
    assertEquals(findRouDis(), [roudi]);
  });

  test("of scripts at the same instant ends up with one RouDi that all of them share", async () => {
    const scripts = Array.from({ length: 4 }, () => start(SPAWN));
    try {
      for (const { opened } of scripts) assertEquals((await opened).works, true);
      assertEquals(findRouDis().length, 1);
      using runtime = Runtime.open();
      const streams = runtime.streams().map(({ stream }) => stream).sort();
      assertEquals(streams, scripts.map(({ script }) => `opener-${script.pid}`).sort());
      runtime.close();
      await Promise.all(scripts.map(({ script }) => end(script)));
      await waitForNothing();
    } finally {
      for (const { script } of scripts) await script[Symbol.asyncDispose]();
    }
  });

  test("starts over what a killed RouDi left, its own or somebody's", async () => {
    await using foreign = await RouDi.start({ blocks: 32 });
    await foreign.kill();
    assert(existsSync("/dev/shm/iceoryx_mgmt") && existsSync("/tmp/roudi"));
    for (let turn = 0; turn < 2; turn++) {
      await using script = await startWorking(SPAWN);
      const [roudi] = findRouDis();
      process.kill(roudi!, "SIGKILL");
      await waitFor(() => findRouDis().length === 0);
      await using second = await startWorking(SPAWN);
      await end(second);
      script.kill("SIGKILL");
      await script.exited();
    }
    await end(await startWorking(SPAWN));
    await waitForNothing();
  });

  test("ends RouDi when the script that spawned it was killed", async () => {
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      await using script = await startWorking(SPAWN);
      assertEquals(findRouDis().length, 1);
      const rings = ringFiles();
      assertEquals(rings.length, 2);
      script.kill(signal);
      await script.exited();
      await waitForNothing(rings);
    }
    Runtime.open(SPAWN).close();
    await waitForNothing();
  });

  test("starts RouDi apart from the script: another session, no descriptor and no folder of it", async () => {
    await using script = await startWorking(SPAWN);
    const [roudi] = findRouDis();
    const session = (pid: number) => readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ")[3];
    assert(session(roudi!) !== session(script.pid));
    const open = readdirSync(`/proc/${roudi}/fd`).filter((fd) => Number(fd) > 2);
    const pipes = open.map((fd) => execFileSync("readlink", [`/proc/${roudi}/fd/${fd}`], { encoding: "utf8" }).trim());
    assertEquals(pipes.filter((path) => path.startsWith("pipe:")), []);
    assertEquals(execFileSync("readlink", [`/proc/${roudi}/cwd`], { encoding: "utf8" }).trim(), "/");
    await end(script);
    await waitForNothing();
  });

  test("gives RouDi as many blocks as poolMemoryMb has room for", async () => {
    const runtime = Runtime.open({ roudi: "spawn", poolMemoryMb: 1 });
    let loans = 0;
    for (let writer = 0; writer < 20; writer++) {
      const out = new DataBroadcaster(new BroadcastConfig({ lane: "queue" }), `pool ${writer}`, { runtime });
      while (loans < (writer + 1) * 8 && out.loan() !== null) loans++;
    }
    // A block takes 8320 bytes and iceoryx's header.
    assert(loans <= Math.floor(2 ** 20 / 8320) && loans >= Math.floor(2 ** 20 / 8448), `${loans} blocks`);
    runtime.close();
    await waitForNothing();
  });

  test("does not start a second RouDi beside one that hangs, but says so", async () => {
    await using roudi = await RouDi.start({ blocks: 32 });
    await roudi.pause();
    assertMisuse(() => Runtime.open({ ...SPAWN, timeoutMs: 100 }), DaemonHungError, { limit: 100 });
    assertEquals(findRouDis(), [roudi.pid]);
    roudi.resume();
  });

  test("says what RouDi said when it can not be started", async () => {
    const { script, opened } = start(SPAWN, { env: { PATH: "/nowhere" } });
    await using _script = script;
    const { error } = await opened;
    assertEquals(error?.code, "QIPC_DAEMON_START");
    assert(error!.message.includes("could not run iox-roudi"), error!.message);
    assert(error!.message.includes("install the package iceoryx"), error!.message);
    assertEquals(findRouDis(), []);
    assertEquals(readdirSync("/dev/shm"), []);
  });
});

describe('roudi: "require"', () => {
  test("clears up what killed scripts left, and nothing of the living", async () => {
    await using _roudi = await RouDi.start({ blocks: 64 });
    await using living = await startWorking({ roudi: "require" });
    const rings = ringFiles().sort();
    assertEquals(rings.length, 2);
    for (let turn = 0; turn < 3; turn++) {
      const script = await startWorking({ roudi: "require" });
      script.kill("SIGKILL");
      await script.exited();
      // Its own, with those of the living: what the one before left was removed when it came.
      assertEquals(ringFiles().length, 4);
    }
    assertGreater(runtimeFiles().length, 2);
    writeFileSync("/tmp/qipc-1-0000000x.lock", "");
    await end(await startWorking({ roudi: "require" }));
    const mine = runtimeFiles().filter((name) => name.startsWith(`qipc-${living.pid}-`));
    assertEquals(mine.length, 2);
    assertEquals(runtimeFiles().sort(), [...mine, "qipc-1-0000000x.lock"].sort());
    rmSync("/tmp/qipc-1-0000000x.lock");
    assertEquals(ringFiles().sort(), rings);
    await end(living);
    assertEquals([runtimeFiles(), ringFiles()], [[], []]);
  });

  test("leaves rings of killed scripts behind, which the end of a test removes, and never those of the living", async () => {
    await using roudi = await RouDi.start({ blocks: 64 });
    await using living = await startWorking({ roudi: "require" });
    const rings = ringFiles().sort();
    await using killed = await startWorking({ roudi: "require" });
    killed.kill("SIGKILL");
    await killed.exited();
    assertEquals(ringFiles().length, 4);
    await roudi.stop();
    assertEquals(ringFiles().sort(), rings);
    // It was told nothing, and ends in order without a daemon.
    await end(living);
    assertEquals(ringFiles(), []);
  });
});

describe("shared memory that is too small", () => {
  afterEach(() => resizeSharedMemory(process.env.QIPC_SHM_SIZE ?? "2g"));

  test("is a SharedMemoryTooSmallError with what is free and needed, before anything is mapped", async () => {
    resizeSharedMemory("40m");
    for (let turn = 0; turn < 3; turn++) {
      const error = assertMisuse(() => Runtime.open(SPAWN), SharedMemoryTooSmallError, {
        value: 40 * 2 ** 20,
        says: ["/dev/shm", "bytes free", "larger"],
      });
      assertGreater(error.limit!, 63 * 2 ** 20 + 8 * 2 ** 20);
      assert(error.message.includes(`limit ${error.limit}`));
    }
    assertEquals(findRouDis(), []);
    assertEquals(readdirSync("/dev/shm"), []);
    resizeSharedMemory("2g");
    using runtime = Runtime.open(SPAWN);
    assertStillWorks(runtime);
    runtime.close();
    await waitForNothing();
  });

  test("counts what others have there, and asks for no more than is used in the end", async () => {
    resizeSharedMemory("40m");
    const { limit } = assertMisuse(() => Runtime.open(SPAWN), SharedMemoryTooSmallError);
    const others = 16 * 2 ** 20;
    writeFileSync("/dev/shm/others", new Uint8Array(others));
    try {
      resizeSharedMemory(String(limit! + others - 4096));
      assertMisuse(() => Runtime.open(SPAWN), SharedMemoryTooSmallError, { limit: limit! });
      resizeSharedMemory(String(limit! + others + 4096));
      using runtime = Runtime.open(SPAWN);
      assertStillWorks(runtime, { lane: "queue" });
      const used = ["iceoryx_mgmt", ...readdirSync("/dev/shm").filter((name) => !/^others$|^iceoryx_mgmt$/.test(name))];
      const blocks = used.reduce((sum, name) => sum + Number(execFileSync("stat", ["-c%b", `/dev/shm/${name}`])), 0);
      assert(blocks * 512 <= limit!, `${blocks * 512} bytes are used and ${limit} were asked for`);
      // A ring that does not fit is refused before it takes anything, and fits as soon as there is room.
      const files = readdirSync("/dev/shm").sort();
      // Of the size that was asked for whole pages are given.
      const free = Math.ceil((limit! + 4096) / 4096) * 4096 - blocks * 512;
      const config = new BroadcastConfig({ bufferDepth: 512 });
      const error = assertMisuse(() => new DataBroadcaster(config, "tight", { runtime }), SharedMemoryTooSmallError, {
        value: free,
        says: ["tight", "/dev/shm", `${free} bytes free`, "larger"],
      });
      assertGreater(error.limit!, config.ringCapacity * 8192);
      assertEquals([readdirSync("/dev/shm").sort(), runtime.streams()], [files, []]);
      resizeSharedMemory(String(limit! + others + error.limit!));
      assertStillWorks(runtime);
    } finally {
      execFileSync("rm", ["/dev/shm/others"]);
    }
    await waitForNothing();
  });
});
