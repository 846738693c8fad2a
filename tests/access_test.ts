// SPDX-License-Identifier: Apache-2.0
// config.access: who may read a ring and who may write its table, for an owner, members of groups and a stranger, each a user of his
// own; and that nobody who may only read can write. Only root may start processes of other users.
import { rmSync, statSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  BroadcastConfig,
  type BroadcastConfigFields,
  ConfigError,
  DataBroadcaster,
  Runtime,
  type StreamAccess,
  type StreamMode,
} from "../mod.ts";
import { epochOf } from "./ring/epoch.ts";
import {
  type Account,
  assertNoAccess,
  canSwitchUser,
  DAEMON_GROUP,
  GUEST,
  mappingsOf,
  MATE,
  OWNER,
  READERS,
  startDaemonForAccounts,
  startProgramAs,
  startScriptAs,
  STRANGER,
} from "./ring/accounts.ts";
import { otherRuntime, pathsOf, READER, ReaderPeer, ringNames, runOf, WRITER, WriterPeer } from "./ring/peers.ts";
import type { TrespasserDemand, TrespasserReport } from "./ring/trespasser.ts";
import { assertMisuse } from "./support/misuse.ts";
import type { Process } from "./support/process.ts";
import { removeDeadRings, removeRouDiFiles, RouDi } from "./support/roudi.ts";

const TRESPASSER = "tests/ring/trespasser.ts";
/** What a reader may do: nothing, read by looking, or be a subscriber in full. */
type Rights = "none" | "reads" | "joins";
let streams = 0;
const newStream = (): string => `access_${++streams}`;
const modesOf = (epoch: string): string[] =>
  Object.values(pathsOf(epoch)).map((path) => (statSync(path).mode & 0o7777).toString(8));
const groupsOf = (epoch: string): number[] => Object.values(pathsOf(epoch)).map((path) => statSync(path).gid);

describe("an access for which no other user is needed", () => {
  let roudi: RouDi;
  before(async () => void (roudi = await RouDi.start({ blocks: 64 })));
  after(() => roudi.stop());

  for (const mode of [0o600, 0o640, 0o644, 0o660, 0o664, 0o666] as const) {
    test(`DataBroadcaster with the mode 0o${mode.toString(8)} makes a table of this mode, and data that nobody else can write`, () => {
      using runtime = Runtime.open();
      using out = new DataBroadcaster(new BroadcastConfig({ access: { mode } }), newStream(), { runtime });
      assertEquals(modesOf(epochOf(out)), [(mode & 0o644).toString(8), mode.toString(8)]);
    });
  }

  test("DataBroadcaster for a group that does not exist is a ConfigError that names it, and makes nothing", () => {
    using runtime = Runtime.open();
    const config = new BroadcastConfig({ access: { group: "no-such-group-here" } });
    for (let turn = 0; turn < 3; turn++) {
      assertMisuse(() => new DataBroadcaster(config, newStream(), { runtime }), ConfigError, {
        value: "no-such-group-here",
        says: ["no group of the name", "groupadd"],
      });
      assertEquals([ringNames(), runtime.streams()], [[], []]);
    }
    using _out = new DataBroadcaster(config.with({ access: {} }), newStream(), { runtime });
  });

  test("DataBroadcaster with an access keeps off the queue lane unless it is told to serve it", () => {
    using runtime = Runtime.open();
    const lanesOf = (fields: Partial<BroadcastConfigFields>): readonly string[] => {
      using _out = new DataBroadcaster(new BroadcastConfig(fields), "lanes", { runtime });
      return runtime.streams().find(({ stream }) => stream === "lanes")!.lanes;
    };
    assertEquals(lanesOf({}), ["ring", "queue"]);
    assertEquals(lanesOf({ access: {} }), ["ring"]);
    assertEquals(lanesOf({ access: {}, queueLane: "off" }), ["ring"]);
    assertEquals(lanesOf({ access: {}, queueLane: "on" }), ["ring", "queue"]);
    assertEquals(lanesOf({ queueLane: "on" }), ["ring", "queue"]);
  });

  test("DataBroadcaster on the memory stack takes an access, which no other process is there to break", () => {
    using runtime = Runtime.open({ stack: "memory" });
    using _out = new DataBroadcaster(new BroadcastConfig({ access: { group: "any" } }), newStream(), { runtime });
  });
});

if (canSwitchUser()) {
  describe("an access, for other users", () => {
    let roudi: Process;
    before(async () => {
      roudi = await startDaemonForAccounts();
    });
    after(async () => {
      await roudi[Symbol.asyncDispose]();
      removeRouDiFiles();
      rmSync(`/dev/shm/${DAEMON_GROUP}`, { force: true });
      removeDeadRings();
    });

    const startWriter = (stream: string, config: Partial<BroadcastConfigFields>): Promise<WriterPeer> =>
      WriterPeer.of(startScriptAs(OWNER, WRITER, [stream, JSON.stringify({ config })]));
    const startReader = (account: Account, stream: string, config: Partial<BroadcastConfigFields> = {}): Process =>
      startScriptAs(account, READER, [stream, JSON.stringify({ config: { lane: "ring", ...config } })]);

    const cases: readonly { access: StreamAccess | null; mate: Rights; guest: Rights; stranger: Rights }[] = [
      { access: null, mate: "joins", guest: "none", stranger: "none" },
      { access: { mode: 0o600 }, mate: "none", guest: "none", stranger: "none" },
      { access: { group: READERS.name, mode: 0o640 }, mate: "none", guest: "reads", stranger: "none" },
      { access: { group: READERS.gid, mode: 0o660 }, mate: "none", guest: "joins", stranger: "none" },
      { access: { group: READERS.name, mode: 0o664 }, mate: "reads", guest: "joins", stranger: "reads" },
    ];
    for (const { access, ...rights } of cases) {
      const name = access === null
        ? "no access"
        : `access ${JSON.stringify({ ...access, mode: access.mode?.toString(8) })}`;
      test(`DataSubscriber with ${name} may do what it says: ${JSON.stringify(rights)}`, async () => {
        const stream = newStream();
        const config: Partial<BroadcastConfigFields> = {
          delivery: "lossless",
          bufferDepth: 64,
          queueLane: "off",
          access,
        };
        await using writer = await startWriter(stream, config);
        const group = access?.group === undefined ? OWNER.gid : READERS.gid;
        const mode: StreamMode = access?.mode ?? 0o660;
        assertEquals(groupsOf(writer.epoch), [group, group]);
        assertEquals(modesOf(writer.epoch), [(mode & 0o644).toString(8), mode.toString(8)]);
        const readers: [ReaderPeer, Rights][] = [[await ReaderPeer.of(startReader(OWNER, stream)), "joins"]];
        for (
          const [account, right] of [[MATE, rights.mate], [GUEST, rights.guest], [STRANGER, rights.stranger]] as const
        ) {
          const process = startReader(account, stream);
          if (right === "none") await assertNoAccess(process);
          else readers.push([await ReaderPeer.of(process), right]);
        }
        const { next } = await writer.ask("send 500");
        for (const [peer, right] of readers) {
          await peer.ask(`until ${next - 1}`);
          assertEquals([...mappingsOf(peer.process.pid, "qaultra-ring-")], ["r--s"]);
          assertEquals([...mappingsOf(peer.process.pid, "qaultra-readers-")], [right === "joins" ? "rw-s" : "r--s"]);
          await peer.end();
        }
        // Who may not write the table is not counted, and the writer has waited for the others alone.
        const { subscribers, next: sent } = await writer.ask("stats");
        assertEquals([subscribers, sent], [0, 500]);
        await writer.end();
      });
    }

    test("DataBroadcaster for a group that its user is not in is an AccessError, and makes nothing", async () => {
      for (const group of [STRANGER.group, STRANGER.gid, 0]) {
        const demand = JSON.stringify({ config: { access: { group } } });
        await using writer = startScriptAs(OWNER, WRITER, [newStream(), demand]);
        assertEquals((await writer.exited()).code, 1, writer.report());
        for (const part of ["AccessError", "is not a member of it", "start the program anew"]) {
          assertStringIncludes(writer.stderr, part);
        }
        assertEquals(ringNames(), []);
      }
    });

    for (const store of ["data", "table", "block"] as const) {
      test(`DataSubscriber that may only read is ended by a store into the ${store}, is refused every way to write, and the others go on`, async () => {
        const stream = newStream();
        await using writer = await startWriter(stream, { access: { group: READERS.name, mode: 0o640 } });
        await using witness = await ReaderPeer.of(startReader(OWNER, stream));
        await writer.ask("send 10");
        for (const runtime of [undefined, otherRuntime]) {
          const demand: TrespasserDemand = { store };
          const trespasser = startScriptAs(GUEST, TRESPASSER, [stream, JSON.stringify(demand)], runtime);
          await using _trespasser = trespasser;
          const exit = await trespasser.exited();
          const [said, ...more] = trespasser.lines.filter((line) => line.startsWith("{"));
          const report = JSON.parse(said ?? "{}") as TrespasserReport;
          assertEquals(report, {
            rights: { data: "r--s", table: "r--s" },
            refusals: {
              "open data": "EACCES",
              "truncate data": "EACCES",
              "chmod data": "EPERM",
              "open table": "EACCES",
              "truncate table": "EACCES",
              "chmod table": "EPERM",
            },
            protections: { "mprotect data": false, "mmap data": false, "mprotect table": false, "mmap table": false },
            received: store === "block" ? 0 : 10,
          }, trespasser.report());
          assertEquals([more, exit], [[], { code: null, signal: "SIGSEGV" }], trespasser.report());
        }
        await writer.ask("send 10");
        await witness.ask("until 19");
        const { runs, faults, missedBlocks } = await witness.finish();
        assertEquals([runs, faults, missedBlocks], [[runOf(writer.epoch, 0, 20)], [], 0]);
        await writer.end();
      });
    }

    test("DataSubscriber in full cannot write the data either", async () => {
      const stream = newStream();
      await using writer = await startWriter(stream, { access: { group: READERS.name, mode: 0o660 } });
      await writer.ask("send 10");
      await using trespasser = startScriptAs(GUEST, TRESPASSER, [stream, JSON.stringify({ store: "data" })]);
      const exit = await trespasser.exited();
      const [said, ...more] = trespasser.lines.filter((line) => line.startsWith("{"));
      const { rights, refusals, protections } = JSON.parse(said ?? "{}") as TrespasserReport;
      assertEquals(rights, { data: "r--s", table: "rw-s" }, trespasser.report());
      assertEquals([refusals["open data"], refusals["truncate data"]], ["EACCES", "EACCES"]);
      assertEquals([protections["mprotect data"], protections["mmap data"]], [false, false]);
      assertEquals([more, exit], [[], { code: null, signal: "SIGSEGV" }], trespasser.report());
      await writer.ask("send 10");
      await writer.end();
    });

    test("DataSubscriber reads what it may of several rings, and counts the others in deniedBroadcasters", async () => {
      const stream = newStream();
      const open: Partial<BroadcastConfigFields> = {
        delivery: "lossless",
        access: { group: READERS.name, mode: 0o660 },
      };
      const closed: Partial<BroadcastConfigFields> = { access: { mode: 0o600 } };
      await using first = await startWriter(stream, closed);
      // None that it may read: that is an error, not silence.
      await assertNoAccess(startReader(GUEST, stream));
      await using second = await startWriter(stream, open);
      await using reader = await ReaderPeer.of(startReader(GUEST, stream));
      await using loop = await ReaderPeer.of(
        startScriptAs(GUEST, READER, [stream, JSON.stringify({ config: { lane: "ring" }, way: "for await" })]),
      );
      assertEquals((await reader.ask("stats")).deniedBroadcasters, 1);
      // One that comes later is no reason to stop.
      await using third = await startWriter(stream, closed);
      for (const writer of [first, second, third]) await writer.ask("send 2000");
      for (const peer of [reader, loop]) {
        await peer.ask("until 1999");
        while ((await peer.ask("stats")).deniedBroadcasters < 2) await second.ask("send 1");
      }
      const { next } = await second.ask("stats");
      for (const peer of [reader, loop]) {
        await peer.ask(`until ${next - 1}`);
        const { runs, faults, missedBlocks, broadcasters, deniedBroadcasters } = await peer.ask("stats");
        assertEquals([runs, faults, missedBlocks], [[runOf(second.epoch, 0, next)], [], 0]);
        assertEquals([broadcasters, deniedBroadcasters], [1, 2]);
        await peer.end();
      }
      for (const writer of [first, second, third]) await writer.end();
      // Those that are over deny nothing.
      await using late = await ReaderPeer.of(startReader(GUEST, stream));
      assertEquals((await late.ask("stats")).deniedBroadcasters, 0);
      await late.end();
    });

    test("a writer in C gives its ring the same access", async () => {
      const stream = newStream();
      const args = ["--stream", stream, "--group", `${READERS.gid}`, "--access", `${0o640}`, "--rate", "100"];
      await using writer = startProgramAs(OWNER, "build/bin/peer_ring_writer", args);
      await writer.waitForLine("ready");
      const [epoch] = ringNames();
      assertEquals([modesOf(epoch!), groupsOf(epoch!)], [["640", "640"], [READERS.gid, READERS.gid]]);
      await using guest = await ReaderPeer.of(startReader(GUEST, stream));
      assertEquals([...mappingsOf(guest.process.pid, "qaultra-readers-")], ["r--s"]);
      await assertNoAccess(startReader(MATE, stream));
      await assertNoAccess(startReader(STRANGER, stream));
    });
  });
}
