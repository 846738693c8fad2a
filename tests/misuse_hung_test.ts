// SPDX-License-Identifier: Apache-2.0
// Daemons that hang, and processes that hung so long that their daemon gave them up: typed errors, and all is well again after.
import { after, before, describe, test } from "node:test";
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import {
  BroadcastConfig,
  DaemonHungError,
  DataBroadcaster,
  DataSubscriber,
  Runtime,
  type StreamInfo,
  Tick,
} from "../mod.ts";
import { assertMisuse, assertStillFlows, assertStillWorks } from "./support/misuse.ts";
import { startScript } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";
import { waitFor } from "./support/wait.ts";

const config = new BroadcastConfig();
const HUNG_TIMEOUT_MS = 200;

/** Opens a runtime as soon as the daemon, which hung a moment ago, has done what it was asked before. */
function openPatiently(): Promise<Runtime> {
  return waitFor(() => {
    try {
      return Runtime.open();
    } catch (error) {
      if (error instanceof DaemonHungError) return null;
      throw error;
    }
  });
}

/** Milliseconds that a call took. */
function timed(call: () => unknown): number {
  const began = performance.now();
  call();
  return performance.now() - began;
}

describe("a hung daemon", () => {
  test("control calls are DaemonHungErrors after timeoutMs, data calls go on, and all is well when it continues", async () => {
    await using roudi = await RouDi.start({ blocks: 64 });
    using runtime = Runtime.open({ timeoutMs: HUNG_TIMEOUT_MS });
    using out = new DataBroadcaster(config, "slow", { runtime });
    using feed = new DataSubscriber(config, "slow", { runtime });
    await roudi.pause();
    const elapsed = timed(() =>
      assertMisuse(() => new DataBroadcaster(config, "hung", { runtime }), DaemonHungError, {
        limit: HUNG_TIMEOUT_MS,
        says: [`${HUNG_TIMEOUT_MS} ms`, "stop iox-roudi"],
      })
    );
    assertGreaterOrEqual(elapsed, HUNG_TIMEOUT_MS - 1);
    assertMisuse(() => new DataSubscriber(config, "hung", { runtime }), DaemonHungError);
    for (let turn = 0; turn < 200; turn++) assertStillFlows(out, feed);
    assertEquals(runtime.state, "attached");
    roudi.resume();
    // The daemon may still be busy with what it was asked before.
    await waitFor(() => {
      try {
        assertStillWorks(runtime);
        return true;
      } catch (error) {
        if (error instanceof DaemonHungError) return false;
        throw error;
      }
    });
    assertStillFlows(out, feed);
    // What was asked of it in vain is not there later.
    await waitFor(() => runtime.streams().every(({ stream }) => stream === "slow"), { what: "leftovers to go" });
  });

  test("Runtime.open is a DaemonHungError after timeoutMs, and works when it continues", async () => {
    await using roudi = await RouDi.start({ blocks: 64 });
    await roudi.pause();
    const elapsed = timed(() =>
      assertMisuse(() => Runtime.open({ timeoutMs: HUNG_TIMEOUT_MS }), DaemonHungError, { limit: HUNG_TIMEOUT_MS })
    );
    assertGreaterOrEqual(elapsed, HUNG_TIMEOUT_MS - 1);
    assert(!DataBroadcaster.initializeRuntime("patient"));
    roudi.resume();
    using runtime = await openPatiently();
    assertStillWorks(runtime);
  });

  for (const fate of ["continues", "is killed and replaced"] as const) {
    test(`a runtime that is closed over an unanswered request can be opened again when the daemon ${fate}`, async () => {
      await using first = await RouDi.start({ blocks: 64 });
      using runtime = Runtime.open({ timeoutMs: HUNG_TIMEOUT_MS });
      using _out = new DataBroadcaster(config, "before", { runtime });
      await first.pause();
      assertMisuse(() => new DataBroadcaster(config, "unanswered", { runtime }), DaemonHungError);
      runtime.close();
      if (fate === "continues") first.resume();
      else await first.kill();
      await using _second = fate === "continues" ? null : await RouDi.start({ blocks: 64 });
      using again = await openPatiently();
      assert(again.name !== runtime.name);
      assertStillWorks(again);
      await waitFor(() => again.streams().length === 0, { what: "leftovers to go" });
    });
  }

  test("close does not wait for ever for a hung daemon, and a killed one after it is noticed", async () => {
    await using roudi = await RouDi.start({ blocks: 64 });
    using runtime = Runtime.open({ timeoutMs: HUNG_TIMEOUT_MS });
    using out = new DataBroadcaster(config, "bye", { runtime });
    using feed = new DataSubscriber(config, "bye", { runtime });
    assertStillFlows(out, feed);
    await roudi.pause();
    runtime.close();
    assertEquals(runtime.state, "closed");
    await roudi.kill();
    await using _next = await RouDi.start({ blocks: 64 });
    using again = await openPatiently();
    assertStillWorks(again);
  });
});

describe("a process that was stopped for so long that the daemon took its ports", () => {
  let roudi: RouDi;
  let runtime: Runtime;
  before(async () => {
    roudi = await RouDi.start({ blocks: 64 });
    runtime = Runtime.open();
  });
  after(async () => {
    runtime.close();
    await roudi.stop();
  });

  /** Starts the script, stops it until RouDi has lost patience, lets it go on, and returns what it then says. */
  async function stopAndGoOn(
    lane: "auto" | "queue",
    whileStopped: () => Promise<void> = async () => {},
  ): Promise<Record<string, unknown>> {
    await using script = startScript("tests/daemon/stopped.ts", [lane]);
    await script.waitForLine("ready");
    script.kill("SIGSTOP");
    const isOurs = ({ stream, broadcasters }: StreamInfo): boolean => stream === "stopped" && broadcasters > 0;
    await waitFor(() => !runtime.streams().some(isOurs), { what: "RouDi to lose patience" });
    await whileStopped();
    script.kill("SIGCONT");
    script.writeLine("go on");
    const said = JSON.parse(await script.nextLine());
    assertEquals(await script.exited(), { code: 0, signal: null }, script.report());
    assertStillWorks(runtime);
    return said;
  }

  test("goes on on the queue lane, without the loan and what was queued: others may have written there", async () => {
    const said = await stopAndGoOn("queue");
    const calls = {
      state: "attached",
      intact: false,
      publish: false,
      broadcast: true,
      loan: "ok",
      receive: 4,
      hasData: false,
      release: "ok",
      close: "ok",
      closedState: "closed",
      again: 5,
    };
    assertEquals(Object.fromEntries(Object.keys(calls).map((call) => [call, said[call]])), calls);
  });

  test("goes on with its ring, whose reader of another process misses nothing and sees it stale meanwhile", async () => {
    using feed = new DataSubscriber(config.with({ history: "all", heartbeatIntervalMs: 100 }), "stopped", { runtime });
    const said = await stopAndGoOn("auto", async () => {
      await waitFor(() => feed.state === "stale");
    });
    const calls = {
      data: 1,
      intact: true,
      publish: true,
      broadcast: true,
      loan: "ok",
      receive: 1,
      hasData: true,
      wait: true,
      release: "ok",
      close: "ok",
      closedState: "closed",
      again: 5,
    };
    assertEquals(Object.fromEntries(Object.keys(calls).map((call) => [call, said[call]])), calls);
    const got: unknown[] = [];
    feed.poll((block) => got.push(block.schemaId === Tick.id ? block.records(Tick).at(0).symbol : block.data[0]));
    assertEquals(got, [0, 1, 2, 3, 4, "QAUL"]);
    assertEquals([feed.getReceiveStats().missedBlocks, feed.state], [0, "ended"]);
  });
});
