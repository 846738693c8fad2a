// SPDX-License-Identifier: Apache-2.0
// The C++ example: built against the installed package, and run with itself and with this module.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { BroadcastConfig, DataBroadcaster, DataSubscriber, Runtime, Tick } from "../mod.ts";
import { startProgram } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";
import { projectFolder } from "./support/runtime.ts";
import { waitFor } from "./support/wait.ts";

/** Compilers take their time on a machine that has others to serve. */
const BUILD_TIMEOUT_MS = 300_000;
const TICKS = 200;

const folder = mkdtempSync(join(tmpdir(), "example-cpp-"));
const program = (name: string): string => join(folder, "build", name);

async function cmake(...args: string[]): Promise<void> {
  await using run = startProgram("/usr/bin/env", ["cmake", ...args]);
  assertEquals(await run.exited({ timeoutMs: BUILD_TIMEOUT_MS }), { code: 0, signal: null }, run.report());
}

describe("examples/cpp", () => {
  let roudi: RouDi;

  before(async () => {
    const prefix = join(folder, "installed");
    await cmake("--install", join(projectFolder, "build"), "--prefix", prefix);
    await cmake(
      ...["-S", join(projectFolder, "examples/cpp"), "-B", join(folder, "build")],
      `-DCMAKE_PREFIX_PATH=${prefix}`,
    );
    await cmake("--build", join(folder, "build"));
    roudi = await RouDi.start();
  });
  after(async () => {
    await roudi?.stop();
    rmSync(folder, { recursive: true });
  });

  for (const name of ["ring_ticks", "ring_feed"]) {
    test(`${name} --help tells its options, and an unknown one ends it`, async () => {
      await using help = startProgram(program(name), ["--help"]);
      assertEquals((await help.exited()).code, 0, help.report());
      assert(help.lines[0]!.includes("--stream market_stream"), help.report());
      await using wrong = startProgram(program(name), ["--nonsense", "1"]);
      assertEquals((await wrong.exited()).code, 2, wrong.report());
    });
  }

  test("ring_ticks prints every tick of ring_feed", async () => {
    const args = ["--stream", "walk", "--ticks", `${TICKS}`];
    await using reader = startProgram(program("ring_ticks"), args);
    await using feed = startProgram(program("ring_feed"), [...args, "--readers-to-wait-for", "1"]);
    assertEquals((await feed.exited()).code, 0, feed.report());
    assertEquals((await reader.exited()).code, 0, reader.report());
    const ticks = reader.lines.filter((line) => /^\d+ WALK last /.test(line));
    assertEquals(ticks.map((line) => Number.parseInt(line)), Array.from({ length: TICKS }, (_, index) => index));
    assert(reader.stderr.includes(`${TICKS} ticks, 0 blocks missed`), reader.report());
  });

  test("ring_feed is read by DataSubscriber", async () => {
    using runtime = Runtime.open({ roudi: "require" });
    using feed = new DataSubscriber(BroadcastConfig.lowLatency(), "walk_to_ts", { runtime, lane: "ring" });
    await using walk = startProgram(program("ring_feed"), [
      ...["--stream", "walk_to_ts", "--ticks", `${TICKS}`],
      ...["--readers-to-wait-for", "1"],
    ]);
    let next = 0;
    for await (const block of feed) {
      assertEquals(block.sequence, next++);
      for (const tick of block.records(Tick)) assertEquals([tick.symbol, tick.volume], ["WALK", 100n]);
      if (next === TICKS) break;
    }
    assertEquals((await walk.exited()).code, 0, walk.report());
  });

  test("ring_ticks prints the ticks of DataBroadcaster", async () => {
    using runtime = Runtime.open({ roudi: "require" });
    using out = new DataBroadcaster(new BroadcastConfig({ delivery: "lossless" }), "ts_to_cpp", { runtime });
    await using reader = startProgram(program("ring_ticks"), ["--stream", "ts_to_cpp", "--ticks", `${TICKS}`]);
    const ticks = out.writer(Tick);
    await waitFor(() => out.getSubscriberCount() === 1, { what: "the C++ reader" });
    for (let index = 0; index < TICKS; index++) {
      ticks.write({ timestampNs: 1n, last: index, bid: 1, ask: 2, volume: 3n, symbol: "TS" });
      while (!ticks.flush()) await out.waitForRoom(1000);
    }
    assertEquals((await reader.exited()).code, 0, reader.report());
    const lasts = reader.lines.filter((line) => line.includes(" TS last ")).map((line) => Number(line.split(" ")[3]));
    assertEquals(lasts, Array.from({ length: TICKS }, (_, index) => index));
  });
});
