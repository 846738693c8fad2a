// SPDX-License-Identifier: Apache-2.0
// Lossless rings between processes: nobody who lives loses anything, and nobody who is gone or stopped holds the writer up for long.
import { after, before, test } from "node:test";
import { assert, assertEquals, assertGreater, assertGreaterOrEqual, assertLess } from "@std/assert";
import { BroadcastConfig, DataBroadcaster, DataSubscriber, Runtime } from "../mod.ts";
import { epochOf } from "./ring/epoch.ts";
import { runLosslessTrial } from "./ring/lossless_trial.ts";
import { sendAll } from "./ring/payload.ts";
import { otherRuntime, ReaderPeer, runOf, WriterPeer } from "./ring/peers.ts";
import { RouDi } from "./support/roudi.ts";
import { waitFor } from "./support/wait.ts";

/** Blocks of the trials at full speed, by the slots of the ring; by hand they take any number. */
const BLOCKS = { 16: 20_000, 512: 180_000 } as const;
/** How long readers may be silent where a test does not say. */
const READER_TIMEOUT_MS = 1000;
/** A busy machine may be late by as many times. */
const PATIENCE = 5;
const LOSSLESS = { lane: "ring", delivery: "lossless" } as const;

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

for (const [slots, blocks] of Object.entries(BLOCKS)) {
  test(`DataBroadcaster lossless, ${blocks} blocks at full speed over ${slots} slots: a fast and a slow reader get all, a killed one is dropped`, async () => {
    const report = await runLosslessTrial(blocks, { bufferDepth: Number(slots), readerTimeoutMs: READER_TIMEOUT_MS });
    assertEquals(report.droppedReaders, 1);
    assertGreaterOrEqual(report.killedAt, blocks / 2);
    assertLess(report.longestMs, PATIENCE * READER_TIMEOUT_MS);
  });
}

for (const isLapped of [false, true]) {
  test(`DataSubscriber lossless, stopped for longer than readerTimeoutMs: dropped, told so and ${isLapped ? "lapped" : "not lapped"} when it continues`, async () => {
    const stream = `stopped_${isLapped}`;
    const config = { ...LOSSLESS, bufferDepth: 64, readerTimeoutMs: 400 };
    await using writer = await WriterPeer.start(stream, { config });
    await using stopped = await ReaderPeer.start(stream, { config });
    await using other = await ReaderPeer.start(stream, { config }, { runtime: otherRuntime });
    await waitFor(async () => (await writer.ask("stats")).subscribers === 2);
    await writer.ask("send 1000");
    await stopped.ask("until 999");
    stopped.process.kill("SIGSTOP");
    // As many as the ring holds need not wait for it, and one more has to.
    const { longestMs, droppedReaders } = await writer.ask(`send ${isLapped ? 5000 : 65}`);
    assertEquals(droppedReaders, 1);
    assertGreater(longestMs, 0);
    assertLess(longestMs, PATIENCE * config.readerTimeoutMs);
    assertEquals((await writer.ask("stats")).subscribers, 1);
    stopped.process.kill("SIGCONT");
    await waitFor(async () => (await stopped.ask("stats")).droppedByWriter === 1);
    await waitFor(async () => (await writer.ask("stats")).subscribers === 2);
    const { next } = await writer.ask("send 5000");
    await stopped.ask(`until ${next - 1}`);
    const { runs, receivedBlocks, missedBlocks, droppedByWriter, gaps } = await stopped.finish();
    assertEquals([receivedBlocks + missedBlocks, droppedByWriter, runs.length], [next, 1, 1]);
    assertEquals([runs[0]!.first, runs[0]!.last], [0, next - 1]);
    if (isLapped) assertGreaterOrEqual(missedBlocks, 5000 - 64);
    // One was overwritten. Who finds that out goes on an eighth of the ring later, where the writer does not come at once.
    else assertGreaterOrEqual(1 + 64 / 8, missedBlocks);
    assertEquals(gaps, missedBlocks > 0 ? 1 : 0);
    assertEquals((await writer.ask("stats")).droppedReaders, 1);
    const report = await other.finish();
    assertEquals([report.runs, report.faults, report.missedBlocks], [[runOf(writer.epoch, 0, next)], [], 0]);
    await writer.end();
  });
}

test("DataSubscriber lossless, made while the writer is at full speed: nothing is lost from where it joined", async () => {
  const stream = "joins";
  const config = { ...LOSSLESS, bufferDepth: 32 };
  await using writer = await WriterPeer.start(stream, { config });
  await using first = await ReaderPeer.start(stream, { config });
  writer.process.writeLine("run 1000");
  await first.ask("until 2000");
  for (let turn = 0; turn < 6; turn++) {
    await using late = await ReaderPeer.start(stream, { config: { ...config, history: turn } }, {
      runtime: turn % 2 === 0 ? otherRuntime : undefined,
    });
    const joined = (await late.ask("until 0")).runs[0]!.first;
    await late.ask(`until ${joined + 5000}`);
    const { runs, faults, missedBlocks, droppedByWriter } = await late.finish();
    assertEquals([runs.length, faults, missedBlocks, droppedByWriter], [1, [], 0, 0]);
    assertEquals(runs[0]!.blocks, runs[0]!.last - joined + 1);
    assertGreater(joined, 0);
  }
  const { next, droppedReaders } = await writer.ask("stats");
  await first.ask(`until ${next - 1}`);
  const { runs, faults, missedBlocks } = await first.finish();
  assertEquals([runs, faults, missedBlocks, droppedReaders], [[runOf(writer.epoch, 0, next)], [], 0, 0]);
  await writer.end();
});

test("DataBroadcaster lossless does not overrun a subscriber that waits for its ring and has not attached yet", async () => {
  const stream = "awaited";
  const config = { ...LOSSLESS, bufferDepth: 64, readerTimeoutMs: 60_000 };
  await using reader = await ReaderPeer.start(stream, { config });
  await using other = await ReaderPeer.start(stream, { config, way: "for await" }, { runtime: otherRuntime });
  for (const { process } of [reader, other]) process.kill("SIGSTOP");
  using runtime = Runtime.open();
  using out = new DataBroadcaster(new BroadcastConfig(config), stream, { runtime });
  const taken = sendAll(out);
  assertGreater(taken, 0);
  assertGreaterOrEqual(config.bufferDepth, taken);
  assertEquals([out.getSubscriberCount(), out.waitForRoomSync(30), sendAll(out)], [0, false, 0]);
  reader.process.kill("SIGCONT");
  await waitFor(() => out.getSubscriberCount() === 1);
  // The other one still has all of them before it.
  assertEquals([out.waitForRoomSync(30), sendAll(out)], [false, 0]);
  other.process.kill("SIGCONT");
  assert(await out.waitForRoom(30_000));
  while (out.nextSequence < 2000) {
    sendAll(out);
    assert(await out.waitForRoom(30_000));
  }
  const next = out.nextSequence;
  const epoch = epochOf(out);
  for (const peer of [reader, other]) {
    await peer.ask(`until ${next - 1}`);
    const { runs, faults, missedBlocks } = await peer.ask("stats");
    assertEquals([runs, faults, missedBlocks], [[runOf(epoch, 0, next)], [], 0]);
    await peer.end();
  }
});

test("DataBroadcaster lossless waits for a subscriber that does not come for readerTimeoutMs and no longer", async () => {
  const stream = "awaited in vain";
  const config = { ...LOSSLESS, bufferDepth: 64, readerTimeoutMs: 500 };
  await using reader = await ReaderPeer.start(stream, { config });
  reader.process.kill("SIGSTOP");
  using runtime = Runtime.open();
  using feed = new DataSubscriber(new BroadcastConfig(config), stream, { runtime });
  const began = performance.now();
  using out = new DataBroadcaster(new BroadcastConfig(config), stream, { runtime });
  const taken = sendAll(out);
  assertGreaterOrEqual(config.bufferDepth, taken);
  // This one has read, and still there is no room.
  assertEquals([feed.poll(() => {}), out.hasSubscribers()], [taken, true]);
  assert(await out.waitForRoom(PATIENCE * config.readerTimeoutMs));
  assertGreaterOrEqual(performance.now() - began, config.readerTimeoutMs - 1);
  while (out.nextSequence < 2000) {
    sendAll(out);
    feed.poll(() => {});
  }
  reader.process.kill("SIGCONT");
  await waitFor(async () => (await reader.ask("stats")).state === "live");
  assertGreater(sendAll(out), 0);
  await reader.ask(`until ${out.nextSequence - 1}`);
  const { receivedBlocks, missedBlocks, runs } = await reader.finish();
  assertEquals(receivedBlocks + missedBlocks, runs[0]!.last + 1);
  assertGreater(missedBlocks, 0);
});
