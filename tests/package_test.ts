// SPDX-License-Identifier: Apache-2.0
// The package as others get it.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { startProgram, startScript } from "./support/process.ts";
import { projectFolder } from "./support/runtime.ts";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: unknown;
}

function manifest(file: string): Manifest {
  return JSON.parse(readFileSync(join(projectFolder, file), "utf8"));
}

class TemporaryFolder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "package-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

test("package.json and deno.json state the same package", () => {
  const [npm, jsr] = [manifest("package.json"), manifest("deno.json")];
  assertEquals([npm.name, npm.version, npm.license], [jsr.name, jsr.version, jsr.license]);
  assertEquals(npm.exports, { ".": jsr.exports });
  assert(existsSync(join(projectFolder, String(jsr.exports))));
});

for (const runtime of ["deno", "bun"] as const) {
  describe(`mod.ts imported in ${runtime}`, () => {
    test("loads no library and asks for no permission", async () => {
      await using script = startScript("tests/support/import_only.ts", [], { runtime, permissions: [] });
      assertEquals(await script.nextLine(), "imported");
      const mapped = readFileSync(`/proc/${script.pid}/maps`, "utf8");
      assert(!mapped.includes("libqipc"), "the shim is loaded");
      assert(!mapped.includes("iceoryx"), "iceoryx is loaded");
      script.closeInput();
      assertEquals(await script.exited(), { code: 0, signal: null });
      assertEquals(script.stderr, "");
    });
  });
}

test("the packed package contains what it needs and works where it is installed", async () => {
  using temporary = new TemporaryFolder();
  const folder = temporary.path;
  const pack = startProgram("/usr/bin/env", ["npm", "pack", "--silent", `--pack-destination=${folder}`], {
    env: { npm_config_cache: join(folder, "cache") },
  });
  assertEquals((await pack.exited()).code, 0, pack.report());
  const archive = readdirSync(folder).find((name) => name.endsWith(".tgz"));
  assert(archive !== undefined, pack.report());

  const installed = join(folder, "node_modules/@qaultra/ipc");
  mkdirSync(installed, { recursive: true });
  const tar = startProgram("/usr/bin/env", [
    "tar",
    "-xzf",
    join(folder, archive),
    "-C",
    installed,
    "--strip-components=1",
  ]);
  assertEquals((await tar.exited()).code, 0, tar.report());
  for (const path of ["LICENSE", "README.md", "CMakeLists.txt", "c_shim/include/qaultra_ipc/market_data_block.h"]) {
    assert(existsSync(join(installed, path)), `${path} is missing`);
  }
  for (const path of ["tests", "bench", "build", "node_modules"]) assert(!existsSync(join(installed, path)), path);

  const script = join(folder, "use.ts");
  writeFileSync(
    script,
    'import { BroadcastConfig } from "@qaultra/ipc";\nconsole.log(typeof BroadcastConfig.lowLatency());\n',
  );
  // Deno takes the package from JSR, from the same files; TypeScript inside node_modules is Bun's way.
  const user = startScript(script, [], { runtime: "bun", cwd: folder });
  assertEquals(await user.nextLine(), "object");
  await user.exited();
});
