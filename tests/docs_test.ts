// SPDX-License-Identifier: Apache-2.0
import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { after, before, describe, test } from "node:test";
import { BroadcastConfig, DataBroadcaster, ERROR_CODES, MarketDataType, Runtime } from "@qaultra/ipc";
import {
  anchorsOf,
  type DocProgram,
  fencesOf,
  markdownFiles,
  printed,
  programsOfMarkdown,
  programsOfSources,
  readProjectFile,
} from "./support/docs.ts";
import { Process, runScript } from "./support/process.ts";
import { removeRouDiFiles, RouDi } from "./support/roudi.ts";
import { currentRuntime, projectFolder } from "./support/runtime.ts";

/** Inside the project, so that the programs import the module by its name. */
const folder = `build/docs/${currentRuntime}`;
const EXAMPLES = ["feed.ts", "strategy.ts", "service.ts"];

/** What a reader of an example sees: all but the licence line. */
function textOfExample(name: string): string {
  return readProjectFile(`examples/${name}`).replace(/^\/\/ SPDX.*\n/, "");
}

const exampleTexts = new Set(EXAMPLES.map(textOfExample));
const programs: DocProgram[] = [...markdownFiles().flatMap(programsOfMarkdown), ...programsOfSources()]
  // The scripts in examples/ need each other: tests/demo_test.ts runs them.
  .filter((program) => !exampleTexts.has(program.source));

function fileOf(program: DocProgram): string {
  return `${folder}/${program.name.replace(/[^\w]+/g, "_")}.ts`;
}

/** Checks the types of files without running them: `deno check` would leave out what is in the build folder, and say nothing. */
async function checkTypes(files: readonly string[]): Promise<Process> {
  const imports = files.map((file) => `  await import(${JSON.stringify(join(projectFolder, file))});\n`);
  const all = join(projectFolder, folder, "all.ts");
  writeFileSync(all, `const never: boolean = false;\nif (never) {\n${imports.join("")}}\n`);
  const deno = join(projectFolder, "node_modules/.bin/deno");
  const check = new Process([deno, "run", "--quiet", "--no-prompt", "--check", all]);
  await check.exited();
  return check;
}

describe("the programs of the documentation", () => {
  let roudi: RouDi;

  before(async () => {
    rmSync(join(projectFolder, folder), { recursive: true, force: true });
    mkdirSync(join(projectFolder, folder), { recursive: true });
    for (const program of programs) writeFileSync(join(projectFolder, fileOf(program)), program.source);
    roudi = await RouDi.start();
  });

  after(async () => await roudi.stop());

  for (const program of programs) {
    test(`${program.name} runs and prints what it says`, async () => {
      const script = await runScript(fileOf(program), [], { permissions: program.permissions });
      assertEquals(script.exit, { code: 0, signal: null }, script.report());
      assertEquals(script.stderr, "", script.report());
      assertMatch(script.lines.join("\n"), printed(program.prints), script.report());
    });
  }

  test("all of them have the right types", async () => {
    const check = await checkTypes(programs.map(fileOf));
    assertEquals(check.exit, { code: 0, signal: null }, check.report());
  });

  test("a wrong type in one of them would be found", async () => {
    const wrong = `${folder}/wrong.ts`;
    writeFileSync(
      join(projectFolder, wrong),
      'import { Tick } from "@qaultra/ipc";\nexport const size: string = Tick.size;\n',
    );
    const check = await checkTypes([wrong]);
    assertEquals(check.exit?.code, 1, check.report());
    assertMatch(check.stderr, /TS2322/);
  });
});

describe("printed", () => {
  test("finds lines in their order among others, and no other ones", () => {
    const pattern = printed(["a", "b ... d"]);
    assertMatch("x\na\nx\nb c d\n", pattern);
    for (const text of ["", "a", "b c d\na", "aa\nb c d", "a\nb c de"]) assertNotMatch(text, pattern);
  });

  test("is asked for by most of the programs", () => {
    assert(programs.filter((program) => program.prints.length > 0).length > programs.length / 2);
  });
});

describe("README", () => {
  test("shows the examples as they are", () => {
    const blocks = fencesOf(readProjectFile("README.md")).filter((fence) => fence.language === "ts");
    assertEquals(blocks.map((fence) => fence.text), EXAMPLES.map(textOfExample));
  });
});

describe("docs/troubleshooting.md", () => {
  const text = readProjectFile("docs/troubleshooting.md");
  const sections = text.split(/^### /m).slice(1).filter((section) => section.startsWith("`QIPC_"));

  test("lists every error code once, and no other", () => {
    const listed = sections.map((section) => /^`(QIPC_\w+)`/.exec(section)![1]!);
    assertEquals(listed.toSorted(), Object.keys(ERROR_CODES).toSorted());
  });

  for (const section of sections) {
    const [, code, className] = /^`(QIPC_\w+)` \((\w+)\)\n/.exec(section) ?? [];
    test(`gives meaning, cause and remedy of ${code ?? section.split("\n")[0]}`, () => {
      assertEquals(className, ERROR_CODES[code!]?.name);
      for (const word of ["Meaning", "Cause", "Remedy"]) assertMatch(section, new RegExp(`^- ${word}: \\S.{10,}`, "m"));
    });
  }
});

describe("docs/guide.md", () => {
  const fences = fencesOf(readProjectFile("docs/guide.md"));

  test("shows C++ that compiles against the installed headers", async () => {
    const sources = fences.filter((fence) => fence.language === "cpp");
    assertEquals(sources.length, 1);
    const file = join(projectFolder, folder, "guide.cpp");
    writeFileSync(file, sources[0]!.text);
    const includes = ["-isystem", "/usr/include/iceoryx/v2.0.3", "-I", "c_shim/include"];
    const compiler = new Process(["g++", "-std=c++17", "-fsyntax-only", "-Wall", "-Wextra", ...includes, file]);
    assertEquals(await compiler.exited(), { code: 0, signal: null }, compiler.report());
  });

  test("shows a configuration that RouDi takes and that serves blocks", async () => {
    const [sample, ...others] = fences.filter((fence) => fence.language === "toml");
    assertEquals(others, []);
    // The groups of the sample are not on every machine; this user's own is.
    const id = new Process(["id", "-gn"]);
    await id.exited();
    const file = join(projectFolder, folder, "roudi.toml");
    writeFileSync(file, sample!.text.replace(/"(feeds|strategies)"/g, JSON.stringify(id.lines[0])));
    await using daemon = new Process(["iox-roudi", "--config-file", file]);
    try {
      await daemon.waitForLine("RouDi is ready for clients");
      const runtime = Runtime.open();
      using out = new DataBroadcaster(new BroadcastConfig(), "guide", { runtime });
      assert(out.broadcast(new Uint8Array(8), 1, MarketDataType.Unknown));
      runtime.close();
    } finally {
      daemon.kill("SIGKILL");
      await daemon.exited();
      removeRouDiFiles();
    }
  });
});

describe("links and commands", () => {
  for (const path of markdownFiles()) {
    const text = readProjectFile(path);

    test(`${path} links to files and headings that are there`, () => {
      for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target!)) continue;
        const [file, anchor] = target!.split("#");
        const linked = file === "" ? path : normalize(join(dirname(path), file!));
        assert(existsSync(join(projectFolder, linked)), `${path} links to ${linked}`);
        if (anchor === undefined) continue;
        assert(anchorsOf(readProjectFile(linked)).has(anchor), `${path} links to ${linked}#${anchor}`);
      }
    });

    test(`${path} names commands of ./x that there are`, () => {
      const known = new Set([...readProjectFile("x").matchAll(/^ {2}(\w+) .*\b/gm)].map((match) => match[1]!));
      for (const [, command] of text.matchAll(/\.\/x (\w+)/g)) assert(known.has(command!), `./x ${command}`);
    });

    test(`${path} names no place of a machine`, () => {
      assertEquals(/(?:^|[\s`"(])\/(?:work|home|root)\//m.exec(text), null);
    });
  }
});
