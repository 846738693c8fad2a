// SPDX-License-Identifier: Apache-2.0
// The native library: what importing does, where it is looked for, and what is said when it is missing or another.
import { describe, test } from "node:test";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { LIBRARIES } from "../src/ffi/library.ts";
import { type Process, runScript, type ScriptOptions } from "./support/process.ts";
import { RouDi, stopAllRouDis } from "./support/roudi.ts";
import { currentRuntime, projectFolder } from "./support/runtime.ts";

const built = `${projectFolder}/build/lib/libqipc.so.1`;
const VARIABLE = LIBRARIES.iceoryx.variable;
const isDeno = currentRuntime === "deno";
/** Deno's flags of a script as the README starts it. */
const FFI_ALONE = ["--allow-ffi"];
/** No permission at all. A Deno that another Deno starts without any permission flag would get all that the other has. */
const NONE = ["--deny-write"];

/** A folder that goes away with the test. */
function folder(): Disposable & { path: string } {
  const path = mkdtempSync("/tmp/ffi-");
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs a script that is given as text, in a folder of its own. */
async function run(text: string, options: ScriptOptions = {}): Promise<Process> {
  using place = folder();
  const file = join(place.path, "script.ts");
  writeFileSync(file, text.replaceAll("@qaultra/ipc", `${projectFolder}/mod.ts`));
  return await runScript(file, [], { cwd: place.path, ...options });
}

/** Opens a runtime with the options and prints what became of it in one line of JSON. */
function opening(options: string): string {
  return `import { Runtime } from "@qaultra/ipc";
    try {
      using runtime = Runtime.open(${options});
      console.log(JSON.stringify({ state: runtime.state }));
    } catch (error) {
      const { name, code, message, value, limit } = error;
      console.log(JSON.stringify({ name, code, message, value, limit, hasCause: error.cause !== undefined }));
    }`;
}

interface Outcome {
  readonly state?: string;
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  readonly value?: number;
  readonly limit?: number;
  readonly hasCause?: boolean;
}

async function open(options: string, settings: ScriptOptions = {}): Promise<Outcome> {
  const script = await run(opening(options), settings);
  assertEquals(script.exit, { code: 0, signal: null }, script.report());
  return JSON.parse(script.lines[0]!);
}

/** A fake libqipc.so.1, made by the C compiler: it has every name of the header and does nothing. */
function buildFake(path: string, source: string): void {
  mkdirSync(join(path, ".."), { recursive: true });
  execFileSync("cc", ["-shared", "-fPIC", "-x", "c", "-o", path, "-"], { input: source });
}

const FAKE_OF_ABI_999 = "unsigned qipc_abi_version(void) { return 999; }\n";

/** The fake with every other name too, so that it loads. */
async function fakeOfAnotherAbi(): Promise<string> {
  const { SYMBOLS } = await import("../src/ffi/symbols.ts");
  const others = Object.keys(SYMBOLS).filter((name) => name !== "qipc_abi_version");
  return FAKE_OF_ABI_999 + others.map((name) => `int ${name}(void) { return -1; }\n`).join("");
}

describe("importing mod.ts", () => {
  test("import loads no library and asks for no permission", async () => {
    const script = await run(
      `import * as ipc from "@qaultra/ipc";
      console.log(Object.keys(ipc).length > 50);
      console.log(new ipc.BroadcastConfig().serviceName, ipc.Tick.size);
      const names = ["ffi", "read", "env", "net", "run", "sys", "import"];
      const states = () => names.map((name) => globalThis.Deno?.permissions.querySync({ name }).state ?? "prompt");
      console.log(new Set(states()).size, states()[0]);`,
      { permissions: NONE },
    );
    assertEquals(script.exit, { code: 0, signal: null }, script.report());
    assertEquals(script.lines, ["true", "QAULTRA 72", "1 prompt"]);
    assertEquals(script.stderr, "");
  });

  test("import maps nothing of ours or of iceoryx, opening does", async () => {
    const maps = `import { readFileSync } from "node:fs";
      const count = () => readFileSync("/proc/self/maps", "utf8").split("\\n").filter((line) => /qipc|iceoryx/.test(line)).length;`;
    const script = await run(`${maps}
      const before = count();
      const { Runtime } = await import("@qaultra/ipc");
      console.log(before, count());
      using runtime = Runtime.open({ roudi: "spawn" });
      console.log(count() > 0);`);
    assertEquals(script.lines, ["0 0", "true"], script.report());
    await stopAllRouDis();
  });
});

describe("permissions", () => {
  test("a script needs --allow-ffi and nothing else, RouDi spawning included", async () => {
    const script = await run(
      `import { BroadcastConfig, DataBroadcaster, DataSubscriber, MarketDataType, Runtime } from "@qaultra/ipc";
      using runtime = Runtime.open({ roudi: "spawn" });
      using out = new DataBroadcaster(BroadcastConfig.lowLatency(), "s", { runtime });
      using feed = new DataSubscriber(BroadcastConfig.lowLatency(), "s", { runtime });
      setTimeout(() => out.broadcast(new Uint8Array([1, 2, 3]), 1, MarketDataType.Unknown), 1);
      for await (const block of feed) {
        console.log(block.data.join());
        break;
      }
      console.log(feed.state, runtime.streams().length);`,
      { permissions: FFI_ALONE, env: { HOME: "/nowhere" } },
    );
    assertEquals(script.exit, { code: 0, signal: null }, script.report());
    assertEquals(script.lines, ["1,2,3", "live 1"]);
    assertEquals(script.stderr, "");
    await stopAllRouDis();
  });

  if (isDeno) {
    test("without a permission opening is a PermissionError that says what to do, and asks nobody", async () => {
      const outcome = await open("{}", { permissions: NONE });
      assertEquals([outcome.name, outcome.code], ["PermissionError", "QIPC_PERMISSION"]);
      assertStringIncludes(outcome.message!, "no unrestricted FFI permission");
      assertStringIncludes(outcome.message!, "--allow-ffi");
    });

    test("with a grant for single paths opening is a PermissionError that says what would not work", async () => {
      for (const path of [built, `${projectFolder}/build/lib`, "libqipc.so.1"]) {
        const outcome = await open("{}", { permissions: [`--allow-ffi=${path}`] });
        assertEquals([outcome.name, outcome.code], ["PermissionError", "QIPC_PERMISSION"]);
        assertStringIncludes(outcome.message!, "single paths");
        assertStringIncludes(outcome.message!, "views over shared memory");
        assertStringIncludes(outcome.message!, "without a path");
      }
    });
  }
});

describe("the library is looked for", () => {
  const absent = { code: "QIPC_DAEMON_ABSENT" };

  /** Whether the outcome is that of the true library: it loads, and finds no daemon. */
  function assertLoaded(outcome: Outcome): void {
    assertEquals({ code: outcome.code }, absent, outcome.message);
  }

  test("first where the option says, and nowhere else", async () => {
    using place = folder();
    copyFileSync(built, join(place.path, "mine.so"));
    assertLoaded(await open(JSON.stringify({ libraryPath: join(place.path, "mine.so") })));
    const missing = join(place.path, "missing.so");
    const outcome = await open(JSON.stringify({ libraryPath: missing }), { env: { [VARIABLE]: built } });
    assertEquals(outcome.code, "QIPC_LIBRARY_NOT_FOUND");
    assertStringIncludes(outcome.message!, missing);
    assert(!outcome.message!.includes(built), outcome.message);
    assert(outcome.hasCause);
  });

  test("then where the environment variable says, and nowhere else", async () => {
    using place = folder();
    copyFileSync(built, join(place.path, "mine.so"));
    assertLoaded(await open("{}", { env: { [VARIABLE]: join(place.path, "mine.so") } }));
    const missing = join(place.path, "missing.so");
    const outcome = await open("{}", { env: { [VARIABLE]: missing } });
    assertEquals(outcome.code, "QIPC_LIBRARY_NOT_FOUND");
    assertStringIncludes(outcome.message!, missing);
    assert(!outcome.message!.includes(built), outcome.message);
  });

  test("then by its soname through the loader, then in the build folder", async () => {
    using place = folder();
    assertLoaded(await open("{}", { env: { [VARIABLE]: "" } }));
    buildFake(join(place.path, "libqipc.so.1"), await fakeOfAnotherAbi());
    const outcome = await open("{}", { env: { LD_LIBRARY_PATH: place.path } });
    assertEquals([outcome.name, outcome.code], ["AbiMismatchError", "QIPC_ABI_MISMATCH"], outcome.message);
  });

  test("never in the current folder, where anybody may have put one", async () => {
    using place = folder();
    buildFake(join(place.path, "libqipc.so.1"), await fakeOfAnotherAbi());
    assertLoaded(await open("{}", { cwd: place.path }));
  });

  if (isDeno) {
    test("without --allow-env the environment variable is passed over, and nobody is asked", async () => {
      const env = { [VARIABLE]: "/nowhere/libqipc.so.1" };
      assertLoaded(await open("{}", { permissions: FFI_ALONE, env }));
      const allowed = [...FFI_ALONE, `--allow-env=${VARIABLE}`];
      assertEquals((await open("{}", { permissions: allowed, env })).code, "QIPC_LIBRARY_NOT_FOUND");
    });
  }

  test("LibraryNotFoundError names every candidate, the loader's words and the commands", async () => {
    using place = folder();
    const copy = join(place.path, "project");
    for (const part of ["mod.ts", "src", "deno.json", "package.json"]) {
      execFileSync("cp", ["-r", `${projectFolder}/${part}`, `${execFileSync("mkdir", ["-p", copy]) && copy}/`]);
    }
    const script = join(place.path, "script.ts");
    writeFileSync(script, opening("{}").replace("@qaultra/ipc", `${copy}/mod.ts`));
    const ended = await runScript(script, [], { cwd: place.path });
    const outcome = JSON.parse(ended.lines[0]!) as Outcome;
    assertEquals([outcome.name, outcome.code], ["LibraryNotFoundError", "QIPC_LIBRARY_NOT_FOUND"], outcome.message);
    assertStringIncludes(outcome.message!, "libqipc.so.1: ");
    assertStringIncludes(outcome.message!, `${copy}/build/lib/libqipc.so.1: `);
    assertMatch(outcome.message!, /cannot open shared object file/);
    for (const words of ["./x setup", "cmake --install", VARIABLE, "libraryPath"]) {
      assertStringIncludes(outcome.message!, words);
    }
    assert(outcome.hasCause);
  });

  test("a file that is no library is a LibraryNotFoundError with the loader's words", async () => {
    using place = folder();
    const file = join(place.path, "text.so");
    writeFileSync(file, "no library");
    const outcome = await open(JSON.stringify({ libraryPath: file }));
    assertEquals(outcome.code, "QIPC_LIBRARY_NOT_FOUND");
    assertStringIncludes(outcome.message!, file);
    assertMatch(outcome.message!, /invalid ELF header|file too short/);
  });

  test("a library that lacks a function is a LibraryNotFoundError that names the function", async () => {
    using place = folder();
    const file = join(place.path, "fake.so");
    buildFake(file, "unsigned qipc_abi_version(void) { return 1; }\n");
    const outcome = await open(JSON.stringify({ libraryPath: file }));
    assertEquals(outcome.code, "QIPC_LIBRARY_NOT_FOUND");
    assertMatch(outcome.message!, /qipc_[a-z_]+/);
  });
});

test("a library of another ABI version is an AbiMismatchError with both versions, and none of it is used", async () => {
  using place = folder();
  const file = join(place.path, "fake_libqipc.so.1");
  buildFake(file, await fakeOfAnotherAbi());
  const outcome = await open(JSON.stringify({ libraryPath: file }));
  assertEquals([outcome.name, outcome.code], ["AbiMismatchError", "QIPC_ABI_MISMATCH"], outcome.message);
  assertEquals([outcome.value, outcome.limit], [999, 1]);
  for (const words of [file, "value 999", "limit 1", "build and install"]) {
    assertStringIncludes(outcome.message!, words);
  }
});

test("a script that failed to load the library can load it from elsewhere", async () => {
  await using _roudi = await RouDi.start({ blocks: 16 });
  const script = await run(`import { Runtime } from "@qaultra/ipc";
    try {
      Runtime.open({ libraryPath: "/nowhere/libqipc.so.1" });
    } catch (error) {
      console.log(error.code);
    }
    using runtime = Runtime.open({ libraryPath: ${JSON.stringify(built)} });
    console.log(runtime.state);`);
  assertEquals(script.lines, ["QIPC_LIBRARY_NOT_FOUND", "attached"], script.report());
  assertNotMatch(script.stderr, /rror/);
});
