// SPDX-License-Identifier: Apache-2.0
// Several broadcasters of one lossless stream of the queue lane, which take the last room of a queue from each other.
import { after, before, test } from "node:test";
import { assertEquals } from "@std/assert";
import { type Block, BroadcastConfig, DataSubscriber, Runtime } from "../mod.ts";
import { otherRuntime } from "./ring/peers.ts";
import { startScript } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";
import { currentRuntime } from "./support/runtime.ts";
import { waitFor } from "./support/wait.ts";

const ROUNDS = 300;

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

test("DataBroadcaster, lossless on the queue lane: who was robbed of the last room by another process comes back and says so", async () => {
  using runtime = Runtime.open();
  const stream = "robbed";
  const config = new BroadcastConfig({ lane: "queue", delivery: "lossless", queueCapacity: 2 });
  using feed = new DataSubscriber(config, stream, { runtime });
  const runtimes = [currentRuntime, otherRuntime, currentRuntime] as const;
  await using stack = new AsyncDisposableStack();
  const peers = runtimes.map((name) => stack.use(startScript("tests/queue/hammer.ts", [stream], { runtime: name })));
  for (const peer of peers) await peer.waitForLine("ready");
  const next = new Map<bigint, number>();
  const handle = (block: Block): void => {
    // Nothing is lost, and what did not find room has left no hole.
    assertEquals(block.sequence, next.get(block.epoch) ?? 0);
    next.set(block.epoch, block.sequence + 1);
  };
  let read = 0;
  for (let round = 0; round < ROUNDS; round++) {
    // One room for all of them; whoever waited for another inside of the call would not answer, since nobody reads meanwhile.
    await waitFor(() => (read += feed.poll(handle, 1)) > round);
    for (const peer of peers) peer.writeLine("");
    for (const peer of peers) await peer.waitForLine("sent");
  }
  for (const peer of peers) peer.closeInput();
  await waitFor(() => (feed.poll(handle), peers.every(({ exit }) => exit !== null)), { what: "the end of the peers" });
  for (const peer of peers) assertEquals(await peer.exited(), { code: 0, signal: null }, peer.report());
  while (feed.poll(handle) > 0);
  assertEquals([next.size, feed.getReceiveStats().missedBlocks], [3, 0]);
});
