// SPDX-License-Identifier: Apache-2.0
// Runtimes of iceoryx2: worlds apart by root and prefix, peers with another type, and what a killed process leaves.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  BroadcastConfig,
  DataBroadcaster,
  DataSubscriber,
  MarketDataType,
  OptionsDifferError,
  Runtime,
  ServiceTypeError,
  UnsupportedError,
} from "../mod.ts";
import { assertMisuse, type Untyped } from "./support/misuse.ts";
import { type Published, resultOf } from "./support/peers.ts";
import { startIox2Publisher } from "./support/peers_iox2.ts";
import { waitFor } from "./support/wait.ts";

const QUEUE = new BroadcastConfig({ lane: "queue" });
const stack = "iceoryx2";

test("equal options give one more handle, others an error, and the last handle ends the connection", () => {
  using one = Runtime.open({ stack, name: "same" });
  using two = Runtime.open({ stack, name: "same" });
  assertEquals([one.name, two.name, one.stack, one.state], ["same", "same", "iceoryx2", "attached"]);
  assertMisuse(() => Runtime.open({ stack, name: "another" }), OptionsDifferError);
  one.close();
  using out = new DataBroadcaster(QUEUE, "x", { runtime: two });
  assert(out.broadcast(Uint8Array.of(1), 1, MarketDataType.Unknown));
});

test("root and prefix make a world of its own, whose folder holds all of it, and Rust finds it there", async () => {
  const root = mkdtempSync(join(tmpdir(), "iox2-"));
  try {
    using runtime = Runtime.open({ stack, root, prefix: "apart_" });
    using feed = new DataSubscriber(QUEUE, "apart", { runtime });
    assert(existsSync(join(root, "nodes")) && existsSync(join(root, "services")));
    // They stay when they have published: what a publisher sent that ended before a subscriber looked for it, nobody gets.
    const args = ["--count", "3", "--hold-ms", "60000"];
    await using peer = startIox2Publisher("Rust", "apart", ...args, "--root", root, "--prefix", "apart_");
    await using elsewhere = startIox2Publisher("Rust", "apart", ...args);
    for (const publisher of [elsewhere, peer]) {
      await publisher.waitForLine("ready");
      publisher.writeLine("0");
    }
    const got: number[] = [];
    await waitFor(() => (feed.poll((block) => void got.push(block.sequence)), got.length >= 3));
    for (const publisher of [elsewhere, peer]) {
      publisher.closeInput();
      const { published } = await resultOf<Published>(publisher);
      assertEquals(published, 3, publisher.report());
    }
    assertEquals([got, feed.getReceiveStats().broadcasters], [[0, 1, 2], 1]);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("a peer's type of another name is told by its name, and typeName takes it", async () => {
  await using peer = startIox2Publisher("Rust", "typed");
  await peer.waitForLine("ready");
  {
    using runtime = Runtime.open({ stack, typeName: "SomethingElse" });
    assertMisuse(() => new DataSubscriber(QUEUE, "typed", { runtime }), ServiceTypeError, { says: ["SomethingElse"] });
  }
  using runtime = Runtime.open({ stack, typeName: "ZeroCopyMarketBlock" });
  using feed = new DataSubscriber(QUEUE, "typed", { runtime });
  peer.writeLine("0");
  await waitFor(() => feed.poll(() => {}) > 0);
});

test("a lossless queue is refused, a lossless ring is not, and has no queue lane", () => {
  using runtime = Runtime.open({ stack });
  const lossless = new BroadcastConfig({ delivery: "lossless" });
  for (const fields of [{ lane: "queue" }, { queueLane: "on" }] as const) {
    assertMisuse(() => new DataBroadcaster(lossless.with(fields), "kept", { runtime }), UnsupportedError);
  }
  assertMisuse(() => new DataSubscriber(lossless.with({ lane: "queue" }), "kept", { runtime }), UnsupportedError);
  using out = new DataBroadcaster(lossless, "kept", { runtime });
  using feed = new DataSubscriber(lossless, "kept", { runtime });
  out.broadcast(Uint8Array.of(7), 1, MarketDataType.Unknown);
  assertEquals([feed.receive(), feed.state], [Uint8Array.of(7), "live"]);
  assertEquals(runtime.streams().map(({ stream, lanes }) => [stream, lanes]), [["kept", ["ring"]]]);
});

test("a stream outlives peers that are killed while they send: the blocks of the next one arrive", async () => {
  using runtime = Runtime.open({ stack });
  using feed = new DataSubscriber(QUEUE, "killed", { runtime });
  for (let life = 0; life < 2; life++) {
    await using peer = startIox2Publisher("Rust", "killed", "--count", "0");
    await peer.waitForLine("ready");
    peer.writeLine("0");
    await waitFor(() => feed.poll(() => {}) > 0);
    peer.kill("SIGKILL");
    await peer.exited();
  }
  assertEquals(feed.getReceiveStats().broadcasters, 2);
});

test("there is nothing to heal in what is whole or not there, and names are checked", () => {
  using runtime = Runtime.open({ stack });
  using _out = new DataBroadcaster(QUEUE, "whole", { runtime });
  assertEquals([runtime.heal("QAULTRA", "whole"), runtime.heal("QAULTRA", "nobody")], [false, false]);
  using memory = Runtime.open({ stack: "memory" });
  assertEquals(memory.heal("QAULTRA", "x"), false);
  for (const wrong of [undefined, null, 5] as Untyped[]) {
    let error: unknown;
    try {
      runtime.heal("QAULTRA", wrong);
    } catch (caught) {
      error = caught;
    }
    assert(error instanceof Error && error.message.startsWith("Cannot heal a stream"), String(error));
  }
});
