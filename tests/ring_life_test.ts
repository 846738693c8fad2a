// SPDX-License-Identifier: Apache-2.0
// How rings begin and end, whatever happens to the processes: what was committed arrives, what was not never does, and nothing
// is left over.
import { after, before, test } from "node:test";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { type Block, BroadcastConfig, DataBroadcaster, DataSubscriber, Runtime } from "../mod.ts";
import { RING_OFFSET_HEAD_LOW } from "../src/ring/layout.ts";
import { epochOf } from "./ring/epoch.ts";
import { faultOf, sendAll } from "./ring/payload.ts";
import { meanwhile, otherRuntime, pathsOf, ReaderPeer, runOf, wordOf, WriterPeer } from "./ring/peers.ts";
import { REMAINS_POOLS, runRemainsTrial } from "./ring/remains_trial.ts";
import { startProgram } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";
import { Random } from "./support/random.ts";
import { waitFor } from "./support/wait.ts";

const RING = { lane: "ring" } as const;
const LOSSLESS = { lane: "ring", delivery: "lossless" } as const;

/** Processes of the trial of remains; by hand it takes any number. */
const STARTS = 40;
const SEED = 4;

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

let streams = 0;
const newStream = (): string => `life_${++streams}`;

/** Reads all that is there, checks it, and returns the sequences. */
function drain(feed: DataSubscriber): number[] {
  const sequences: number[] = [];
  while (
    feed.poll((block: Block) => {
      assertEquals(faultOf(block), "");
      sequences.push(block.sequence);
    }) > 0
  );
  return sequences;
}

const upTo = (end: number): number[] => Array.from({ length: end }, (_, index) => index);

for (
  const [name, fields] of Object.entries({ lossy: RING, "in place": { ...RING, read: "in-place" }, lossless: LOSSLESS })
) {
  test(`DataSubscriber, writer killed within a block: that one never arrives, the committed ones do: ${name}`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    const config = new BroadcastConfig(fields as typeof RING);
    using feed = new DataSubscriber(config, stream, { runtime });
    await using writer = await WriterPeer.start(stream, { config: fields as typeof RING });
    await writer.ask("send 10");
    await writer.ask("loan");
    await writer.kill();
    assertEquals(drain(feed), upTo(10));
    await waitFor(() => feed.state === "ended");
    assertEquals([drain(feed), feed.hasData(), feed.receive()], [[], false, null]);
    const { receivedBlocks, missedBlocks, tornBlocks } = feed.getReceiveStats();
    assertEquals([receivedBlocks, missedBlocks, tornBlocks], [10, 0, 0]);
  });
}

for (const [name, fields] of Object.entries({ lossy: RING, lossless: LOSSLESS })) {
  test(`DataSubscriber, writer killed at full speed: all that it committed arrives, whole and counted: ${name}`, async () => {
    const random = new Random(name.length);
    const stream = newStream();
    using runtime = Runtime.open();
    using feed = new DataSubscriber(new BroadcastConfig({ ...fields, bufferDepth: 4096 }), stream, { runtime });
    for (let round = 0; round < 2; round++) {
      await using writer = await WriterPeer.start(stream, { config: { ...fields, bufferDepth: 4096 } }, {
        runtime: round % 2 === 0 ? "deno" : "bun",
      });
      const before = feed.getReceiveStats();
      const sequences: number[] = [];
      await writer.ask("send 1000");
      writer.process.writeLine("run 50");
      const target = 1000 + random.integer(1, 5000);
      await waitFor(() => sequences.push(...drain(feed)) > 0 && sequences.at(-1)! >= target);
      await writer.kill();
      const head = wordOf(pathsOf(writer.epoch).data, RING_OFFSET_HEAD_LOW);
      await waitFor(() => {
        sequences.push(...drain(feed));
        return feed.state === "ended";
      });
      assertEquals(drain(feed), []);
      const after = feed.getReceiveStats();
      assertEquals(after.receivedBlocks - before.receivedBlocks, sequences.length);
      assertEquals(sequences.length + after.missedBlocks - before.missedBlocks, sequences.at(-1)! + 1);
      assertEquals(after.broadcasters, round + 1);
      // A block is there before the head says so.
      assert(
        [head, head + 1].includes(sequences.at(-1)! + 1),
        `${sequences.at(-1)} is not the last one before ${head}`,
      );
      assert(sequences.every((sequence, index) => index === 0 || sequence > sequences[index - 1]!));
      // What a lossy reader that had no time was overtaken in is counted, and is nothing that the kill took.
      if (name === "lossless") assertEquals([sequences[0], after.missedBlocks], [0, 0]);
    }
  });
}

for (const end of ["closed", "killed"] as const) {
  test(`DataSubscriber in other processes reads a ring that was ${end} to its end, and then the next one of the stream`, async () => {
    const stream = newStream();
    await using first = await WriterPeer.start(stream, { config: LOSSLESS });
    await using reader = await ReaderPeer.start(stream, { config: LOSSLESS });
    await using other = await ReaderPeer.start(stream, { config: LOSSLESS, way: "for await" }, {
      runtime: otherRuntime,
    });
    const readers = [reader, other];
    // One of them has all of it still before it when the next ring comes.
    await reader.ask("pause");
    await first.ask("send 50");
    if (end === "closed") await first.end();
    else await first.kill();
    await using second = await WriterPeer.start(stream, { config: LOSSLESS }, { runtime: otherRuntime });
    assert(second.epoch !== first.epoch);
    await second.ask("send 60");
    await reader.ask("go");
    const wanted = [runOf(first.epoch, 0, 50), runOf(second.epoch, 0, 60)];
    for (const peer of readers) {
      const report = await waitFor(async () => {
        const report = await peer.ask("stats");
        return report.receivedBlocks === 110 ? report : null;
      });
      assertEquals([report.runs, report.faults, report.missedBlocks, report.state], [wanted, [], 0, "live"]);
    }
    // And when there is none, they wait for one.
    await second.kill();
    for (const peer of readers) await waitFor(async () => (await peer.ask("stats")).state === "ended");
    await using third = await WriterPeer.start(stream, { config: LOSSLESS });
    await third.ask("send 70");
    wanted.push(runOf(third.epoch, 0, 70));
    for (const peer of readers) {
      await waitFor(async () => (await peer.ask("stats")).receivedBlocks === 180);
      const { runs, faults, missedBlocks, broadcasters } = await peer.finish();
      assertEquals([runs, faults, missedBlocks, broadcasters], [wanted, [], 0, 3]);
    }
  });
}

test("DataSubscriber.state is stale while the writer is stopped, live when it goes on, and ended when it was closed or killed", async () => {
  const stream = newStream();
  const config = { ...RING, heartbeatIntervalMs: 200 };
  using runtime = Runtime.open();
  using feed = new DataSubscriber(new BroadcastConfig(config), stream, { runtime });
  await using reader = await ReaderPeer.start(stream, { config, way: "for await" }, { runtime: otherRuntime });
  const become = async (state: string): Promise<void> => {
    await waitFor(() => feed.state === state, { what: `the state ${state}, not ${feed.state}` });
    await waitFor(async () => (await reader.ask("stats")).state === state, { what: `the state ${state}` });
  };
  await become("waiting");
  for (const end of ["closed", "killed", "killed while it was stopped"]) {
    await using writer = await WriterPeer.start(stream, { config });
    await become("live");
    for (let turn = 0; turn < 2; turn++) {
      writer.process.kill("SIGSTOP");
      await become("stale");
      if (end === "killed while it was stopped") break;
      writer.process.kill("SIGCONT");
      await become("live");
    }
    if (end === "closed") await writer.end();
    else await writer.kill();
    await become("ended");
  }
});

test("DataBroadcaster, stopped for longer than RouDi waits: its ring goes on without loss, and its ports are made again", async () => {
  const stream = newStream();
  await using writer = await WriterPeer.start(stream, { config: LOSSLESS });
  await using reader = await ReaderPeer.start(stream, { config: LOSSLESS });
  await using other = await ReaderPeer.start(stream, { config: LOSSLESS, way: "for await" }, { runtime: otherRuntime });
  using runtime = Runtime.open();
  const isOffered = (): boolean => runtime.streams().some((info) => info.stream === stream && info.broadcasters > 0);
  await writer.ask("send 1000");
  writer.process.writeLine("run 20");
  await reader.ask("until 2000");
  assert(isOffered());
  writer.process.kill("SIGSTOP");
  // RouDi takes it for dead, and all of its ports away.
  await waitFor(() => !isOffered());
  assertEquals((await reader.ask("stats")).state, "stale");
  const before = (await reader.ask("stats")).receivedBlocks;
  writer.process.kill("SIGCONT");
  await reader.ask(`until ${before + 2000}`);
  await other.ask(`until ${before + 2000}`);
  assertEquals((await writer.ask("stats")).droppedReaders, 0);
  // Its ports are made again: it is found, on both lanes.
  writer.process.writeLine("run 20");
  await waitFor(isOffered);
  const { lanes } = runtime.streams().find((info) => info.stream === stream)!;
  assertEquals(lanes, ["ring", "queue"]);
  await using peer = startProgram("build/bin/peer_subscriber", [
    "--stream",
    stream,
    "--raw",
    "--lossless",
    "--count",
    "500",
  ]);
  assertEquals(await peer.exited(), { code: 0, signal: null }, peer.report());
  const { received, missed, publishers } = JSON.parse(peer.lines.at(-1)!);
  assertEquals([received, missed, publishers], [500, 0, 1]);
  await using late = await ReaderPeer.start(stream, { config: LOSSLESS });
  await late.ask("until 0");
  const { next: end, runtime: state } = await writer.ask("send 1000");
  assertEquals(state, "attached");
  for (const peer of [reader, other, late]) {
    await peer.ask(`until ${end - 1}`);
    const { runs, faults, missedBlocks, state } = await peer.ask("stats");
    const first = peer === late ? runs[0]!.first : 0;
    assertEquals([runs, faults, missedBlocks, state], [[runOf(writer.epoch, first, end)], [], 0, "live"]);
    await peer.end();
  }
  await writer.end();
});

test(`Runtime.open, DataBroadcaster and attach remove what killed writers left, and nothing of the living: ${STARTS} starts`, async () => {
  // The announcements of the dead take chunks until RouDi has noticed.
  await roudi.stop();
  roudi = await RouDi.start({ pools: REMAINS_POOLS });
  const { kills, deadRings } = await runRemainsTrial(STARTS, SEED);
  assertGreater(kills, STARTS / 2);
  assertGreater(deadRings, 0);
});

for (const lane of ["ring", "auto"] as const) {
  test(`DataBroadcaster and DataSubscriber, RouDi killed: rings go on in both directions, and nothing is lost or throws: ${lane}`, async () => {
    await roudi.stop();
    roudi = await RouDi.start();
    const config = { lane, delivery: "lossless" } as const;
    const [there, back] = [newStream(), newStream()];
    using runtime = Runtime.open();
    using out = new DataBroadcaster(new BroadcastConfig(config), there, { runtime });
    using feed = new DataSubscriber(new BroadcastConfig(config), back, { runtime });
    await using reader = await ReaderPeer.start(there, { config, way: "for await" });
    await using writer = await WriterPeer.start(back, { config }, { runtime: otherRuntime });
    const got: number[] = [];
    const exchange = async (count: number): Promise<void> => {
      const end = out.nextSequence + count;
      const wanted = got.length + count;
      await waitFor(() => {
        sendAll(out, Math.min(100, end - out.nextSequence));
        got.push(...drain(feed));
        return out.nextSequence === end && got.length >= wanted;
      });
      await reader.ask(`until ${end - 1}`);
    };
    writer.process.writeLine("run 20");
    await exchange(2000);
    await roudi.kill();
    assertEquals(runtime.state, "detached");
    await exchange(5000);
    const { next } = await meanwhile(() => got.push(...drain(feed)), writer.ask("send 100"));
    await waitFor(() => got.push(...drain(feed)) === next);
    assertEquals(got, upTo(next));
    assertEquals([feed.state, feed.getReceiveStats().missedBlocks], ["live", 0]);
    assertEquals([out.getSubscriberCount(), out.getStats().errors], [1, 0]);
    const { runs, faults, missedBlocks, runtime: state } = await reader.ask("stats");
    const epoch = epochOf(out);
    assertEquals([runs, faults, missedBlocks, state], [[runOf(epoch, 0, 7000)], [], 0, "detached"]);
    await writer.end();
    await waitFor(() => feed.state === "ended");
    await reader.end();
  });
}
