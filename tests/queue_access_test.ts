// SPDX-License-Identifier: Apache-2.0
// The groups of a RouDi: who may broadcast, who may only subscribe, and who may do neither, each a user of his own. Only root may start
// processes of other users.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, statSync } from "node:fs";
import { afterEach, describe, test } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ConfigError, OptionError, OptionsDifferError, Runtime, type RuntimeOptions } from "../mod.ts";
import {
  type Account,
  canSwitchUser,
  DAEMON_GID,
  GUEST,
  MATE,
  OWNER,
  READERS,
  startDaemonForAccounts,
  startScriptAs,
  STRANGER,
} from "./ring/accounts.ts";
import { otherRuntime, READER, ReaderPeer, runOf, WRITER, WriterPeer } from "./ring/peers.ts";
import { assertMisuse, assertStillWorks, type Untyped } from "./support/misuse.ts";
import type { Opened } from "./support/opener.ts";
import type { Process } from "./support/process.ts";
import { findRouDis, removeDeadRings, removeRouDiFiles, RouDi, stopAllRouDis } from "./support/roudi.ts";
import type { RuntimeName } from "./support/runtime.ts";
import { waitFor } from "./support/wait.ts";

const SPAWN = { roudi: "spawn", poolMemoryMb: 4 } as const;
const OPENER = "tests/support/opener.ts";
const GROUPS: RuntimeOptions = { ...SPAWN, writers: OWNER.group, readers: READERS.name };
let streams = 0;
const newStream = (): string => `groups_${++streams}`;
const ownGroup = execFileSync("id", ["-gn"], { encoding: "utf8" }).trim();

/** A process under RouDi's group, which a RouDi that is not root's can answer to. */
const underDaemon = (account: Account): Account => ({ ...account, gid: DAEMON_GID, groups: [account.gid] });

function start(account: Account, script: string, stream: string, lane: string, runtime?: RuntimeName): Process {
  return startScriptAs(account, script, [stream, JSON.stringify({ config: { lane } })], runtime);
}

/** A script that ends with an AccessError which says why. */
async function assertDenied(script: Process, why: string): Promise<void> {
  await using process = script;
  assertEquals((await process.exited()).code, 1, process.report());
  for (const part of ["AccessError", why, "run as a member of the group"]) assertStringIncludes(process.stderr, part);
}

function tidyUp(): void {
  removeRouDiFiles();
  for (const { group } of [OWNER, STRANGER]) rmSync(`/dev/shm/${group}`, { force: true });
  removeDeadRings();
}

describe("readers and writers of a RouDi that is spawned", () => {
  afterEach(async () => {
    await stopAllRouDis();
  });

  test("Runtime.open refuses groups that are none, and groups that would have no effect", () => {
    for (const name of ["readers", "writers"] as const) {
      for (
        const group of ["", "..", "../up", "a/b", "a b", 'a"b', "a\nb", "a\0b", ".x", "-x", "x".repeat(33), 5, null]
      ) {
        assertMisuse(() => Runtime.open({ ...SPAWN, [name]: group } as Untyped), ConfigError, { says: [name] });
      }
      assertMisuse(() => Runtime.open({ roudi: "require", [name]: ownGroup }), ConfigError, {
        value: ownGroup,
        says: ["is for a RouDi that is spawned"],
      });
      assertMisuse(() => Runtime.open({ ...SPAWN, [name]: "no-such-group-here" }), OptionError, {
        says: [`${name.slice(0, -1)} group "no-such-group-here"`, "there is no such group"],
      });
    }
    assertEquals(findRouDis(), []);
  });

  test("Runtime.open refuses a RouDi that runs and was not started for the groups asked for", async () => {
    const runtime = Runtime.open({ ...SPAWN, writers: ownGroup });
    assertStillWorks(runtime);
    runtime.close();
    await waitFor(() => findRouDis().length === 0);
    await using _roudi = await RouDi.start({ blocks: 64 });
    assertMisuse(() => Runtime.open({ ...SPAWN, writers: ownGroup }), OptionsDifferError, { says: [ownGroup] });
    using again = Runtime.open(SPAWN);
    assertStillWorks(again);
  });

  if (canSwitchUser()) {
    test("are those who may broadcast and subscribe; all others get an AccessError", async () => {
      await using spawner = startScriptAs(underDaemon(OWNER), OPENER, [JSON.stringify(GROUPS)]);
      try {
        const opened = JSON.parse(await spawner.nextLine()) as Opened;
        assertEquals([opened.works, opened.error], [true, undefined], spawner.report());
        // What is for all who connect, and what is for the groups.
        const management = statSync("/dev/shm/iceoryx_mgmt");
        assertEquals([management.gid, management.mode & 0o7777], [DAEMON_GID, 0o660]);
        const folder = `/tmp/qipc-${OWNER.uid}`;
        assertEquals([statSync(folder).uid, statSync(folder).mode & 0o7777], [OWNER.uid, 0o700]);
        assertEquals(statSync(`${folder}/roudi.toml`).mode & 0o7777, 0o600);
        const configuration = readFileSync(`${folder}/roudi.toml`, "utf8");
        assertMatch(configuration, new RegExp(`^writer = "${OWNER.group}"\nreader = "${READERS.name}"$`, "m"));

        // Who may write to RouDi's socket and is not under a group that RouDi can answer to is told so.
        await assertDenied(start(GUEST, READER, newStream(), "ring"), "can not answer to it");

        const [mate, guest, stranger] = [MATE, GUEST, STRANGER].map(underDaemon) as [Account, Account, Account];
        for (const lane of ["queue", "auto"]) {
          for (const account of [guest, stranger]) {
            await assertDenied(start(account, WRITER, newStream(), lane), "this user may not write any segment");
          }
          await assertDenied(start(stranger, READER, newStream(), lane), "may not read any of its segments");
        }
        const stream = newStream();
        await using writer = await WriterPeer.of(start(mate, WRITER, stream, "queue"));
        await using one = await ReaderPeer.of(start(guest, READER, stream, "queue"));
        await using other = await ReaderPeer.of(start(guest, READER, stream, "queue", otherRuntime));
        await waitFor(async () => (await writer.ask("stats")).subscribers === 2);
        await writer.ask("send 20");
        for (const reader of [one, other]) {
          const { runs, faults } = await reader.ask("until 19");
          assertEquals([runs, faults], [[runOf(writer.epoch, 0, 20)], []]);
          await reader.end();
        }
        await writer.end();

        // Of the same user's: the same groups are the same RouDi, others are refused.
        for (
          const [options, code] of [[GROUPS, undefined], [
            { ...GROUPS, readers: OWNER.group },
            "QIPC_OPTIONS_DIFFER",
          ]] as const
        ) {
          await using second = startScriptAs(underDaemon(OWNER), OPENER, [JSON.stringify(options)]);
          const { error } = JSON.parse(await second.nextLine()) as Opened;
          assertEquals(error?.code, code, second.report());
          second.closeInput();
          await second.exited();
        }
        spawner.closeInput();
        assertEquals(await spawner.exited(), { code: 0, signal: null }, spawner.report());
        await waitFor(() => findRouDis().length === 0, { what: "RouDi to end" });
      } finally {
        await spawner[Symbol.asyncDispose]();
        await stopAllRouDis();
        tidyUp();
      }
    });
  }
});

if (canSwitchUser()) {
  test("DataSubscriber that may not read the memory of some broadcaster counts its chunks, gives them back, and reads the others", async () => {
    const segment = (group: string): string =>
      `[[segment]]\nwriter = "${group}"\nreader = "${group}"\n` +
      "[[segment.mempool]]\nsize = 256\ncount = 64\n[[segment.mempool]]\nsize = 8320\ncount = 24\n";
    const configuration = `[general]\nversion = 1\n${segment(OWNER.group)}${segment(STRANGER.group)}`;
    const roudi = await startDaemonForAccounts(configuration);
    try {
      const stream = newStream();
      await using closed = await WriterPeer.of(start(MATE, WRITER, stream, "queue"));
      await using open = await WriterPeer.of(start(STRANGER, WRITER, stream, "queue"));
      await using reader = await ReaderPeer.of(start(STRANGER, READER, stream, "queue"));
      // More than the pool has: none is kept.
      for (let round = 1; round <= 4; round++) {
        await closed.ask("send 10");
        await open.ask("send 10");
        await reader.ask(`until ${round * 10 - 1}`);
        await waitFor(async () => (await reader.ask("stats")).foreignChunks === round * 10);
      }
      const { runs, faults, missedBlocks, foreignChunks } = await reader.finish();
      assertEquals([runs, faults, missedBlocks, foreignChunks], [[runOf(open.epoch, 0, 40)], [], 0, 40]);
      const { next, refused } = await closed.ask("send 100");
      assert(next === 140 && refused === 0);
      await closed.end();
      await open.end();
    } finally {
      await roudi[Symbol.asyncDispose]();
      tidyUp();
    }
  });
}
