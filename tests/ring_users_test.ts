// SPDX-License-Identifier: Apache-2.0
// Rings and other users. Only root may start processes of other users; for everybody else the modes of files stand for them.
import { chmodSync, rmSync, statSync } from "node:fs";
import { afterEach, beforeEach, describe, test } from "node:test";
import { assertEquals } from "@std/assert";
import { BroadcastConfig, type BroadcastConfigFields, DataBroadcaster, Runtime } from "../mod.ts";
import { epochOf } from "./ring/epoch.ts";
import {
  assertNoAccess,
  canSwitchUser,
  DAEMON_GROUP,
  mappingsOf,
  MATE,
  OWNER,
  startBound,
  startDaemonForAccounts,
  startScriptAs,
  STRANGER,
} from "./ring/accounts.ts";
import { sendAll } from "./ring/payload.ts";
import { otherRuntime, pathsOf, READER, ReaderPeer, ringNames, runOf, WRITER, WriterPeer } from "./ring/peers.ts";
import type { Process } from "./support/process.ts";
import { removeDeadRings, removeRouDiFiles, RouDi } from "./support/roudi.ts";
import { currentRuntime } from "./support/runtime.ts";

let streams = 0;
const newStream = (): string => `users_${++streams}`;

test("DataSubscriber that may not read the data is an AccessError, and whoever may goes on", async () => {
  await using _roudi = await RouDi.start({ blocks: 64 });
  using runtime = Runtime.open();
  const stream = newStream();
  using out = new DataBroadcaster(new BroadcastConfig(), stream, { runtime });
  const { data } = pathsOf(epochOf(out));
  await using before = await ReaderPeer.start(stream);
  chmodSync(data, 0);
  for (const runtime of [currentRuntime, otherRuntime]) {
    await using reader = startBound(READER, [stream], runtime);
    await assertNoAccess(reader);
  }
  assertEquals(sendAll(out, 100), 100);
  await before.ask("until 99");
  chmodSync(data, 0o640);
  await using again = await ReaderPeer.of(startBound(READER, [stream]));
  assertEquals(sendAll(out, 100), 100);
  await again.ask("until 199");
  assertEquals((await before.finish()).receivedBlocks, 200);
  assertEquals((await again.finish()).receivedBlocks, 100);
});

if (canSwitchUser()) {
  describe("other users", () => {
    let roudi: Process;
    beforeEach(async () => {
      roudi = await startDaemonForAccounts();
    });
    afterEach(async () => {
      await roudi[Symbol.asyncDispose]();
      removeRouDiFiles();
      rmSync(`/dev/shm/${DAEMON_GROUP}`, { force: true });
      removeDeadRings();
    });

    test("DataSubscriber of a user in the owner's group reads and is counted, one outside is an AccessError, the owner goes on", async () => {
      for (const delivery of ["lossy", "lossless"] as const) {
        const stream = newStream();
        const config: Partial<BroadcastConfigFields> = { lane: "ring", delivery, bufferDepth: 64 };
        const args = [stream, JSON.stringify({ config })];
        await using writer = await WriterPeer.of(startScriptAs(OWNER, WRITER, args));
        const { data, table } = pathsOf(writer.epoch);
        for (const file of [data, table]) {
          assertEquals([statSync(file).uid, statSync(file).gid], [OWNER.uid, OWNER.gid]);
        }
        await using mate = await ReaderPeer.of(startScriptAs(MATE, READER, args));
        await using other = await ReaderPeer.of(startScriptAs(MATE, READER, args, otherRuntime));
        assertEquals((await writer.ask("stats")).subscribers, 2);
        await using stranger = startScriptAs(STRANGER, READER, args);
        await assertNoAccess(stranger);
        await writer.ask(`send ${delivery === "lossless" ? 2000 : 50}`);
        const { next } = await writer.ask("stats");
        for (const reader of [mate, other]) {
          await reader.ask(`until ${next - 1}`);
          assertEquals([...mappingsOf(reader.process.pid, "qaultra-ring-")], ["r--s"]);
          const { runs, faults, missedBlocks } = await reader.finish();
          assertEquals([runs, faults, missedBlocks], [[runOf(writer.epoch, 0, next)], [], 0]);
        }
        await writer.end();
      }
    });

    test("DataBroadcaster removes what a killed one of the same user left, and nothing of another user or of the living", async () => {
      await using living = await WriterPeer.of(startScriptAs(OWNER, WRITER, [newStream()]));
      await using dead = await WriterPeer.of(startScriptAs(OWNER, WRITER, [newStream()]));
      await dead.kill();
      await using stranger = await WriterPeer.of(startScriptAs(STRANGER, WRITER, [newStream()]));
      assertEquals(ringNames(), [living.epoch, dead.epoch, stranger.epoch].sort());
      await using own = await WriterPeer.of(startScriptAs(OWNER, WRITER, [newStream()]));
      assertEquals(ringNames(), [living.epoch, stranger.epoch, own.epoch].sort());
      for (const writer of [living, stranger, own]) await writer.end();
      assertEquals(ringNames(), []);
    });
  });
}
