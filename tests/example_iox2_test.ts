// SPDX-License-Identifier: Apache-2.0
// The examples in Rust and Python, run with each other and with this module.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { BroadcastConfig, DataBroadcaster, DataSubscriber, Runtime, Tick } from "../mod.ts";
import { type Process, startProgram } from "./support/process.ts";
import { waitFor } from "./support/wait.ts";

const TICKS = 50;
const QUEUE = new BroadcastConfig({ lane: "queue" });

const EXAMPLES = {
  Rust: (name: string, args: readonly string[]): Process => startProgram(`build/bin/rust_examples/${name}`, args),
  Python: (name: string, args: readonly string[]): Process =>
    startProgram("build/python/bin/python", ["-B", `examples/python/${name}.py`, ...args]),
} as const;

for (const [language, start] of Object.entries(EXAMPLES)) {
  test(`${language}: an unknown option ends a program, --help tells its options`, async () => {
    for (const name of language === "Rust" ? ["feed", "ticks", "ring_ticks"] : ["feed", "ticks"]) {
      await using help = start(name, ["--help"]);
      assertEquals((await help.exited()).code, 0, help.report());
      assert(help.lines.join("\n").includes("--stream"), help.report());
      await using wrong = start(name, ["--nonsense", "1"]);
      assertEquals((await wrong.exited()).code, 2, wrong.report());
    }
  });

  test(`${language}: what feed broadcasts is read by DataSubscriber, in a loop that sleeps meanwhile`, async () => {
    using runtime = Runtime.open({ stack: "iceoryx2" });
    using feed = new DataSubscriber(QUEUE, "walk", { runtime });
    await using walk = start("feed", ["--stream", "walk", "--ticks", `${TICKS}`]);
    let next = 0;
    for await (const block of feed) {
      assertEquals([block.sequence, block.recordCount], [next++, 1]);
      for (const tick of block.records(Tick)) assertEquals([tick.symbol, tick.volume], ["WALK", 100n]);
      if (next === TICKS) break;
    }
    assertEquals((await walk.exited()).code, 0, walk.report());
  });

  test(`${language}: ticks prints those of DataBroadcaster`, async () => {
    using runtime = Runtime.open({ stack: "iceoryx2" });
    using out = new DataBroadcaster(QUEUE, "from_ts", { runtime });
    await using reader = start("ticks", ["--stream", "from_ts", "--ticks", `${TICKS}`]);
    await waitFor(() => out.getSubscriberCount() === 1, { what: "the reader" });
    const ticks = out.writer(Tick);
    for (let index = 0; index < TICKS; index++) {
      ticks.write({ timestampNs: 1n, last: index, bid: 1, ask: 2, volume: 3n, symbol: "TS" });
      ticks.flush();
    }
    assertEquals((await reader.exited()).code, 0, reader.report());
    const lasts = reader.lines.filter((line) => line.includes(" TS last ")).map((line) => Number(line.split(" ")[3]));
    assertEquals(lasts, Array.from({ length: TICKS }, (_, index) => index));
  });
}

test("Rust reads a ring of iceoryx2 by its announcement or its epoch, and of several at once", async () => {
  using runtime = Runtime.open({ stack: "iceoryx2" });
  const config = new BroadcastConfig({ delivery: "lossless" });
  using one = new DataBroadcaster(config, "rings", { runtime });
  using two = new DataBroadcaster(config, "rings", { runtime });
  await using all = EXAMPLES.Rust("ring_ticks", ["--stream", "rings", "--ticks", `${2 * TICKS}`]);
  await using single = EXAMPLES.Rust("ring_ticks", [
    "--stream",
    "none",
    "--epoch",
    two.epoch.toString(16),
    "--ticks",
    `${TICKS}`,
  ]);
  await waitFor(() => one.getSubscriberCount() === 1 && two.getSubscriberCount() === 2, { what: "the readers" });
  for (const [index, out] of [one, two].entries()) {
    const ticks = out.writer(Tick);
    for (let last = 0; last < TICKS; last++) {
      ticks.write({ timestampNs: 1n, last, bid: 1, ask: 2, volume: 3n, symbol: `T${index}` });
    }
    ticks.flush();
  }
  for (const [reader, symbols] of [[all, ["T0", "T1"]], [single, ["T1"]]] as const) {
    assertEquals((await reader.exited()).code, 0, reader.report());
    for (const symbol of symbols) {
      assertEquals(reader.lines.filter((line) => line.includes(` ${symbol} last `)).length, TICKS, reader.report());
    }
  }
});
