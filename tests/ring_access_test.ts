// SPDX-License-Identifier: Apache-2.0
// Who may do what with a ring: the modes of its files and what readers map; rings in little memory, and beside a RouDi of somebody
// else.
import { execFileSync } from "node:child_process";
import { chmodSync, readdirSync, statfsSync, statSync } from "node:fs";
import process from "node:process";
import { after, afterEach, before, describe, test } from "node:test";
import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  BroadcastConfig,
  type BroadcastConfigFields,
  DataBroadcaster,
  Runtime,
  SharedMemoryTooSmallError,
} from "../mod.ts";
import { epochOf } from "./ring/epoch.ts";
import { ringBytes } from "../src/ring/layout.ts";
import { mappingsOf, startBound } from "./ring/accounts.ts";
import { sendAll } from "./ring/payload.ts";
import { otherRuntime, parkingOf, pathsOf, READER, ReaderPeer, runOf, WRITER, WriterPeer } from "./ring/peers.ts";
import { assertMisuse, assertStillWorks } from "./support/misuse.ts";
import { Process } from "./support/process.ts";
import { removeDeadRings, removeRouDiFiles, RouDi } from "./support/roudi.ts";
import { currentRuntime, projectFolder, scriptCommand } from "./support/runtime.ts";
import { waitFor } from "./support/wait.ts";

const READ_ONLY_TABLE = 0o440;
const WAYS = ["poll", "waitSync", "for await"] as const;
let streams = 0;
const newStream = (): string => `access_${++streams}`;
const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

describe("modes", () => {
  let roudi: RouDi;
  before(async () => void (roudi = await RouDi.start()));
  after(() => roudi.stop());

  for (const umask of ["000", "027", "077"]) {
    test(`DataBroadcaster makes data that are 0640 and a table that is 0660, with the umask ${umask}`, async () => {
      const command = [...scriptCommand(currentRuntime, ["--allow-all"]), `${projectFolder}/${WRITER}`, newStream()];
      await using writer = await WriterPeer.of(
        new Process(["sh", "-c", `umask ${umask}; exec "$@"`, "sh", ...command]),
      );
      const { data, table } = pathsOf(writer.epoch);
      assertEquals([modeOf(data), modeOf(table)], ["640", "660"]);
      await writer.end();
    });
  }

  for (const [delivery, read] of [["lossy", "stable"], ["lossy", "in-place"], ["lossless", "stable"]] as const) {
    test(`DataSubscriber maps the data read-only, and the table to be written: ${delivery}, ${read}`, async () => {
      using runtime = Runtime.open();
      const stream = newStream();
      const fields: Partial<BroadcastConfigFields> = { delivery, read, lane: "ring" };
      using out = new DataBroadcaster(new BroadcastConfig(fields), stream, { runtime });
      await using reader = await ReaderPeer.start(stream, { config: fields });
      assertEquals(sendAll(out, 100), 100);
      await reader.ask("until 99");
      const { pid } = reader.process;
      assertEquals([...mappingsOf(pid, "qaultra-ring-")], ["r--s"]);
      assertEquals([...mappingsOf(pid, "qaultra-readers-")], ["rw-s"]);
      assertEquals((await reader.finish()).receivedBlocks, 100);
    });
  }

  for (const way of WAYS) {
    for (const delivery of ["lossy", "lossless"] as const) {
      test(`DataSubscriber that may not write the table reads by looking, with ${way}, and holds nobody up: ${delivery}`, async () => {
        using runtime = Runtime.open();
        const stream = newStream();
        const fields: Partial<BroadcastConfigFields> = {
          lane: "ring",
          delivery,
          bufferDepth: 64,
          wait: "park",
          pollIntervalMs: 5,
        };
        using out = new DataBroadcaster(new BroadcastConfig(fields), stream, { runtime });
        const epoch = epochOf(out);
        chmodSync(pathsOf(epoch).table, READ_ONLY_TABLE);
        const demand = JSON.stringify({ config: { ...fields, history: "all" }, way });
        assertEquals(sendAll(out, 5), 5);
        await using reader = await ReaderPeer.of(startBound(READER, [stream, demand]));
        await reader.ask("until 4");
        assertEquals([...mappingsOf(reader.process.pid, "qaultra-readers-")], ["r--s"]);
        for (let round = 0; round < 5; round++) {
          assertEquals(sendAll(out, 1), 1);
          await reader.ask(`until ${out.nextSequence - 1}`);
        }
        const { runs, faults, missedBlocks, state } = await reader.ask("stats");
        assertEquals([runs, faults, missedBlocks, state], [[runOf(epoch, 0, 10)], [], 0, "live"]);
        // It can raise no flag and is not counted, and a lossless writer does not know of it.
        assertEquals([parkingOf(epoch, "data"), out.getSubscriberCount()], [{ isParked: false, wakes: 0 }, 0]);
        assertEquals(sendAll(out, 1000), 1000);
        if (way === "for await") {
          await reader.ask(`until ${out.nextSequence - 1}`);
          const stats = await reader.ask("stats");
          assertEquals([stats.receivedBlocks + stats.missedBlocks, stats.droppedByWriter], [1010, 0]);
          await reader.end();
        } else {
          const stats = await reader.finish();
          assertEquals([stats.receivedBlocks + stats.missedBlocks, stats.droppedByWriter], [1010, 0]);
        }
      });
    }
  }
});

describe("little memory", () => {
  afterEach(() => resizeSharedMemory(process.env.QIPC_SHM_SIZE ?? "2g"));

  test("DataBroadcaster for which /dev/shm has no room is a SharedMemoryTooSmallError that names the free bytes, and leaves nothing", async () => {
    await using _roudi = await RouDi.start({ blocks: 64 });
    using runtime = Runtime.open();
    using out = new DataBroadcaster(new BroadcastConfig({ bufferDepth: 16 }), newStream(), { runtime });
    resizeSharedMemory("100m");
    const files = readdirSync("/dev/shm").sort();
    const free = freeBytes();
    for (let turn = 0; turn < 3; turn++) {
      const config = new BroadcastConfig({ bufferDepth: 16_384, maxSubscribers: 1 });
      const error = assertMisuse(
        () => new DataBroadcaster(config, newStream(), { runtime }),
        SharedMemoryTooSmallError,
        {
          value: free,
          limit: ringBytes(16_384) + 4096 + 64,
          says: ["/dev/shm", `${free}`],
        },
      );
      assertGreater(error.limit!, free);
      assertEquals([readdirSync("/dev/shm").sort(), freeBytes()], [files, free]);
    }
    // The process goes on, with what it has and with what there is room for.
    assertEquals(sendAll(out, 100), 100);
    assertStillWorks(runtime);
    resizeSharedMemory("1g");
    using _large = new DataBroadcaster(new BroadcastConfig({ bufferDepth: 16_384 }), newStream(), { runtime });
  });
});

test("DataBroadcaster and DataSubscriber work beside a RouDi that was started with no configuration file", async () => {
  await using roudi = new Process(["iox-roudi"]);
  try {
    await roudi.waitForLine("RouDi is ready");
    using runtime = Runtime.open();
    assertStillWorks(runtime);
    const stream = newStream();
    await using writer = await WriterPeer.start(stream, { config: { delivery: "lossless" } });
    await using ring = await ReaderPeer.start(stream, { config: { lane: "ring", delivery: "lossless" } });
    await using queue = await ReaderPeer.start(stream, { config: { lane: "queue", delivery: "lossless" } }, {
      runtime: otherRuntime,
    });
    await waitFor(async () => (await writer.ask("stats")).subscribers === 2);
    const { next } = await writer.ask("send 5000");
    for (const reader of [ring, queue]) {
      await reader.ask(`until ${next - 1}`);
      const { runs: [run], faults, missedBlocks } = await reader.finish();
      assertEquals([run, faults, missedBlocks], [runOf(writer.epoch, run!.first, next), [], 0]);
    }
    await writer.end();
  } finally {
    await roudi[Symbol.asyncDispose]();
    removeRouDiFiles();
    removeDeadRings();
  }
});

function freeBytes(): number {
  const { bavail, bsize } = statfsSync("/dev/shm");
  return bavail * bsize;
}

function resizeSharedMemory(size: string): void {
  assert(
    process.env.QIPC_NAMESPACE !== "none",
    "the machine's own /dev/shm is not to be made smaller: use a namespace",
  );
  // In a plain user's namespace the options that the mount has already would be refused.
  execFileSync("mount", ["--no-mtab", "--options-mode", "ignore", "-o", `remount,size=${size}`, "/dev/shm"]);
}
