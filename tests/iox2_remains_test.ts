// SPDX-License-Identifier: Apache-2.0
// What processes leave that are killed over iceoryx2, where no daemon clears up: the next one that opens its runtime does.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { BroadcastConfig, DataBroadcaster, DataSubscriber, MarketDataType, Runtime } from "../mod.ts";
import { otherRuntime, READER, WRITER } from "./ring/peers.ts";
import { assertStillWorks } from "./support/misuse.ts";
import { type Process, startScript } from "./support/process.ts";
import { Random } from "./support/random.ts";
import { currentRuntime } from "./support/runtime.ts";
import { delay } from "./support/wait.ts";

const KILLS = 30;
/** Killed processes of one round: a writer and a reader. */
const ROUND = 2;
/** How long after its start a process is killed that may be making or opening services just then. */
const START_MS_MAX = 400;
const PREFIX = `remains_${process.pid}_`;

/** A root of its own, and what lies in it and in /dev/shm. */
class World {
  readonly root = mkdtempSync(join(tmpdir(), "remains-"));
  readonly options = { stack: "iceoryx2", root: this.root, prefix: PREFIX } as const;

  start(script: string, stream: string, turn: number): Process {
    const config = { lane: turn % 3 === 0 ? "queue" : "auto" };
    return startScript(script, [stream, JSON.stringify({ runtime: this.options, config })], {
      runtime: turn % 2 === 0 ? currentRuntime : otherRuntime,
    });
  }

  /** Files of nodes and services, and segments. */
  files(): string[] {
    const files = readdirSync(this.root, { recursive: true, withFileTypes: true }).filter(({ parentPath }) =>
      parentPath !== this.root
    );
    const segments = readdirSync("/dev/shm").filter((name) => name.startsWith(PREFIX) || name.startsWith("qaultra-"));
    return [...files.map(({ parentPath, name }) => join(parentPath, name)), ...segments];
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true });
  }
}

test(`of ${KILLS} processes that are killed while they send and read nothing is left when the next one has come`, async () => {
  using world = new World();
  for (let turn = 0; turn < KILLS / ROUND; turn++) {
    await using writer = world.start(WRITER, "killed", turn);
    await using reader = world.start(READER, "killed", turn);
    await Promise.all([writer.nextLine(), reader.waitForLine("ready")]);
    writer.writeLine("run 100");
    reader.writeLine("until 100");
    await reader.nextLine();
    for (const peer of [writer, reader]) peer.kill("SIGKILL");
    await Promise.all([writer.exited(), reader.exited()]);
    assert(world.files().length > 0);
    // Every third time they stay until the next two are there, which clear up after them.
    if (turn % 3 === 0) continue;
    Runtime.open(world.options).close();
    assertEquals(world.files(), []);
  }
  Runtime.open(world.options).close();
  assertEquals(world.files(), []);
});

test(`of ${KILLS} processes that are killed while they open and make streams nothing is left when those that are damaged were healed`, async () => {
  using world = new World();
  const random = new Random(1);
  for (let turn = 0; turn < KILLS; turn += 3) {
    // Of one stream, so that they open and make what another makes and removes.
    const peers = [WRITER, READER, WRITER].map((script, index) => world.start(script, "torn", turn + index));
    await Promise.all(peers.map(async (peer) => {
      await delay(random.integer(0, START_MS_MAX));
      peer.kill("SIGKILL");
      await peer.exited();
    }));
  }
  {
    using runtime = Runtime.open(world.options);
    runtime.heal("QAULTRA", "torn");
    // Also that of the queue lane alone, which is another service.
    for (const lane of ["queue", "ring"] as const) {
      const config = new BroadcastConfig({ lane });
      using out = new DataBroadcaster(config, "torn", { runtime });
      using feed = new DataSubscriber(config, "torn", { runtime });
      assert(out.broadcast(Uint8Array.of(7), 1, MarketDataType.Unknown));
      assertEquals(feed.receive(), Uint8Array.of(7));
    }
    assertStillWorks(runtime);
  }
  assertEquals(world.files(), []);
});
