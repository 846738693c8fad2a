// SPDX-License-Identifier: Apache-2.0
// Daemons that are not there or are dead, and names that two processes want: typed errors, and never the end of this one.
import { describe, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  BroadcastConfig,
  DaemonAbsentError,
  DaemonGoneError,
  DataBroadcaster,
  DataSubscriber,
  MarketDataType,
  NameInUseError,
  OptionsDifferError,
  Runtime,
} from "../mod.ts";
import type { Opened } from "./support/opener.ts";
import { assertMisuse, assertStillFlows, assertStillWorks } from "./support/misuse.ts";
import { type Process, startScript } from "./support/process.ts";
import { removeRouDiFiles, RouDi } from "./support/roudi.ts";
import { waitFor } from "./support/wait.ts";

const { Unknown } = MarketDataType;
const config = new BroadcastConfig();

/** Starts a second process that opens a runtime; resolves to the process and what it said. */
async function startOpener(options: object): Promise<{ script: Process; opened: Opened }> {
  const script = startScript("tests/support/opener.ts", [JSON.stringify(options)]);
  return { script, opened: JSON.parse(await script.nextLine()) as Opened };
}

describe("no daemon", () => {
  test("Runtime.open is a DaemonAbsentError that says how to start one, again and again", () => {
    for (let turn = 0; turn < 5; turn++) {
      assertMisuse(() => Runtime.open(), DaemonAbsentError, { says: ["/tmp/roudi", "iox-roudi", 'roudi: "spawn"'] });
    }
    assert(!DataBroadcaster.initializeRuntime("nobody"));
  });

  test("Runtime.open works as soon as there is one, after all the failures", async () => {
    assertMisuse(() => Runtime.open(), DaemonAbsentError);
    await using _roudi = await RouDi.start({ blocks: 32 });
    using runtime = Runtime.open();
    assertStillWorks(runtime);
  });

  test("what a killed daemon left is no daemon", async () => {
    await using roudi = await RouDi.start({ blocks: 32 });
    await roudi.kill();
    for (let turn = 0; turn < 3; turn++) assertMisuse(() => Runtime.open(), DaemonAbsentError);
    removeRouDiFiles();
  });
});

describe("names that are in use", () => {
  test("a runtime under the name of another process is a NameInUseError, and both go on", async () => {
    await using _roudi = await RouDi.start({ blocks: 64 });
    const { script, opened } = await startOpener({ name: "twice" });
    await using _process = script;
    assertEquals(opened, { name: "twice", state: "attached", works: true });
    for (let turn = 0; turn < 3; turn++) {
      assertMisuse(() => Runtime.open({ name: "twice" }), NameInUseError, { says: ['"twice"', "choose another name"] });
    }
    assert(!DataBroadcaster.initializeRuntime("twice"));
    using runtime = Runtime.open({ name: "once" });
    assertStillWorks(runtime);
    const second = await startOpener({ name: "once" });
    await using _second = second.script;
    assertEquals(second.opened.error?.code, "QIPC_NAME_IN_USE");
    assertStillWorks(runtime);
    assertEquals(script.exit, null);
    script.closeInput();
    assertEquals(await script.exited(), { code: 0, signal: null }, script.report());
  });

  test("a name is free when its process has ended, killed or not", async () => {
    await using _roudi = await RouDi.start({ blocks: 64 });
    for (const end of ["close", "kill"]) {
      const { script } = await startOpener({ name: "again" });
      await using process = script;
      assertMisuse(() => Runtime.open({ name: "again" }), NameInUseError);
      if (end === "kill") process.kill("SIGKILL");
      else process.closeInput();
      await process.exited();
      using runtime = Runtime.open({ name: "again" });
      assertStillWorks(runtime);
    }
  });

  test("a second runtime with other options is an OptionsDifferError, with equal ones a handle", async () => {
    await using _roudi = await RouDi.start({ blocks: 64 });
    using runtime = Runtime.open({ name: "mine" });
    for (
      const options of [{}, { name: "other" }, { name: "mine", timeoutMs: 999 }, {
        name: "mine",
        log: "error",
      }] as const
    ) {
      assertMisuse(() => Runtime.open(options), OptionsDifferError, { says: ['"mine"', "equal options"] });
    }
    const handle = Runtime.open({ name: "mine" });
    assertEquals([handle.name, handle.state], ["mine", "attached"]);
    handle.close();
    assertEquals([handle.state, runtime.state], ["closed", "attached"]);
    assertStillWorks(runtime);
  });
});

describe("a dead daemon", () => {
  test("data calls go on, control calls are DaemonGoneErrors, and the state is detached", async () => {
    await using roudi = await RouDi.start({ blocks: 64 });
    using runtime = Runtime.open();
    using out = new DataBroadcaster(config, "orphan", { runtime });
    using feed = new DataSubscriber(config, "orphan", { runtime });
    assertStillFlows(out, feed);
    assertEquals(feed.waitSync(1), false);
    using held = (out.broadcast(Uint8Array.of(7), 1, Unknown), feed.receiveBlock()!);
    await roudi.kill();
    for (let turn = 0; turn < 3; turn++) {
      assertEquals(runtime.state, "detached");
      assertMisuse(() => new DataBroadcaster(config, "new", { runtime }), DaemonGoneError, { says: ["iox-roudi"] });
      assertMisuse(() => new DataSubscriber(config, "new", { runtime }), DaemonGoneError);
      assertMisuse(() => runtime.streams(), DaemonGoneError);
      assertMisuse(() => Runtime.open(), DaemonAbsentError);
    }
    for (let turn = 0; turn < 200; turn++) assertStillFlows(out, feed);
    assertEquals(held.data[0], 7);
    assertEquals(feed.getReceiveStats().missedBlocks, 0);
    assertEquals([out.getSubscriberCount(), out.hasSubscribers()], [1, true]);
    assertEquals(feed.state, "live");
    assertEquals(feed.waitSync(1), false);
    out.broadcast(Uint8Array.of(8), 1, Unknown);
    assertEquals(feed.waitSync(1000), true);
    assertEquals(feed.receive(), Uint8Array.of(8));
    feed.close();
    out.close();
    runtime.close();
    assertEquals(runtime.state, "closed");
  });

  test("a parked loop is still woken by the data of this process, and ends at close", async () => {
    await using roudi = await RouDi.start({ blocks: 64 });
    using runtime = Runtime.open();
    using out = new DataBroadcaster(config, "loop", { runtime });
    const feed = new DataSubscriber(config, "loop", { runtime, wait: "park" });
    const iteration = feed.blocks();
    const next = iteration.next();
    await roudi.kill();
    out.broadcast(Uint8Array.of(3), 1, Unknown);
    assertEquals((await next).value?.data[0], 3);
    const last = iteration.next();
    // The loop parks in a later turn.
    setTimeout(() => feed.close(), 1);
    assertEquals((await last).done, true);
  });

  test("after close a new runtime attaches to the next daemon, ten times", async () => {
    for (let turn = 0; turn < 10; turn++) {
      await using roudi = await RouDi.start({ blocks: 32 });
      using runtime = Runtime.open();
      using out = new DataBroadcaster(config, "phoenix", { runtime });
      using feed = new DataSubscriber(config, "phoenix", { runtime });
      assertStillFlows(out, feed);
      await roudi.kill();
      assertStillFlows(out, feed);
      runtime.close();
      assertMisuse(() => Runtime.open(), DaemonAbsentError);
    }
  });

  test("a daemon that replaced the dead one is the next one of all who were attached, who meet those that come later", async () => {
    await using first = await RouDi.start({ blocks: 64 });
    using runtime = Runtime.open();
    using out = new DataBroadcaster(config, "worlds", { runtime });
    using feed = new DataSubscriber(config, "worlds", { runtime });
    assertStillFlows(out, feed);
    await first.kill();
    await using _second = await RouDi.start({ blocks: 64 });
    const { script, opened } = await startOpener({});
    await using _process = script;
    assertEquals(opened.works, true);
    await waitFor(() => runtime.state === "attached");
    assertStillFlows(out, feed);
    assertStillWorks(runtime);
    using again = Runtime.open();
    assertEquals(again.name, runtime.name);
    assertStillWorks(again);
  });
});
