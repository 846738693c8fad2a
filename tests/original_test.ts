// SPDX-License-Identifier: Apache-2.0
// The tests of QAULTRA C++ in the form of this module, each with two processes: this one broadcasts, a second one reads. Counts
// and checksums are compared, and nothing is said about speed.
import { after, before, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  BLOCK_DATA_SIZE,
  BroadcastConfig,
  DataBroadcaster,
  type Delivery,
  MarketDataType,
  Runtime,
  Tick,
} from "../mod.ts";
import { fillPattern, patternChecksum, patternRecordCount, patternTick } from "./support/pattern.ts";
import { type Process, startScript } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";
import { currentRuntime, type RuntimeName } from "./support/runtime.ts";
import { waitFor } from "./support/wait.ts";

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

let streams = 0;
const newStream = (): string => `original_${++streams}`;

/** What equal subscribers of the second process got. */
interface Result {
  readonly subscribers: number;
  readonly first: number;
  readonly receivedBlocks: number;
  readonly receivedRecords: number;
  readonly receivedBytes: number;
  readonly missedBlocks: number;
  readonly checksum: number;
  readonly inOrder: boolean;
}

interface Reading {
  readonly stream: string;
  readonly subscribers: number;
  readonly blocks: number;
  readonly delivery: Delivery;
  readonly runtime?: RuntimeName;
}

/** Starts the second process, on the lane of the broadcaster; resolves when it is connected. */
async function startReader(out: DataBroadcaster, reading: Reading): Promise<Process> {
  const { stream, subscribers, blocks, delivery, runtime = currentRuntime } = reading;
  const args = [out.config.lane, stream, `${subscribers}`, `${blocks - 1}`, delivery];
  const reader = startScript("tests/original/reader.ts", args, { runtime });
  await reader.waitForLine("ready");
  await waitFor(() => out.hasSubscribers());
  return reader;
}

async function resultsOf(reader: Process): Promise<Result[]> {
  const exit = await reader.exited({ timeoutMs: 120_000 });
  assertEquals(exit, { code: 0, signal: null }, reader.report());
  return JSON.parse(reader.lines.at(-1)!);
}

/** Broadcasts full blocks of the pattern, waiting for room where there is none. Returns their checksum. */
function broadcastFull(out: DataBroadcaster, blocks: number): number {
  const data = new Uint8Array(BLOCK_DATA_SIZE);
  let checksum = 0;
  for (let sent = 0; sent < blocks; sent++) {
    const length = fillPattern("full", out.nextSequence, data);
    checksum = (checksum + patternChecksum(data, length)) >>> 0;
    while (!out.broadcast(data, patternRecordCount("full", sent), MarketDataType.Unknown)) {
      assert(out.waitForRoomSync(60_000), "nobody reads");
    }
  }
  return checksum;
}

for (const lane of ["auto", "queue"] as const) {
  const config = (delivery: Delivery): BroadcastConfig => new BroadcastConfig({ lane, delivery });

  for (const runtime of ["deno", "bun"] as const) {
    test(`${lane}: basic publish and subscribe: one block reaches a process in ${runtime}`, async () => {
      using own = Runtime.open();
      const stream = newStream();
      using out = new DataBroadcaster(config("lossy"), stream, { runtime: own });
      await using reader = await startReader(out, { stream, subscribers: 1, blocks: 1, delivery: "lossy", runtime });
      const data = new Uint8Array(72);
      Tick.write(data, 0, patternTick(5, 0));
      assert(out.broadcast(data, 1, MarketDataType.Tick));
      assertEquals(await resultsOf(reader), [{
        subscribers: 1,
        first: 0,
        receivedBlocks: 1,
        receivedRecords: 1,
        receivedBytes: 72,
        missedBlocks: 0,
        checksum: patternChecksum(data),
        inOrder: true,
      }]);
    });
  }

  test(`${lane}: a batch of 100 ticks reaches another process whole`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    using out = new DataBroadcaster(config("lossy"), stream, { runtime });
    await using reader = await startReader(out, { stream, subscribers: 1, blocks: 1, delivery: "lossy" });
    const data = new Uint8Array(72 * 100);
    for (let index = 0; index < 100; index++) Tick.write(data, index * 72, patternTick(1, index));
    assertEquals(out.broadcastBatch(data, 100, MarketDataType.Tick), 100);
    const [result] = await resultsOf(reader);
    assertEquals([result!.receivedRecords, result!.receivedBytes, result!.checksum], [
      100,
      7200,
      patternChecksum(data),
    ]);
    const { sentBlocks, sentRecords } = out.getStats();
    assertEquals([sentBlocks, sentRecords], [1, 100]);
  });

  test(`${lane}: three subscribers of another process all get everything`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    using out = new DataBroadcaster(config("lossless"), stream, { runtime });
    const blocks = 5000;
    await using reader = await startReader(out, { stream, subscribers: 3, blocks, delivery: "lossless" });
    const checksum = broadcastFull(out, blocks);
    assertEquals(await resultsOf(reader), [{
      subscribers: 3,
      first: 0,
      receivedBlocks: blocks,
      receivedRecords: blocks * 1020,
      receivedBytes: blocks * BLOCK_DATA_SIZE,
      missedBlocks: 0,
      checksum,
      inOrder: true,
    }]);
  });

  test(`${lane}: three processes, in both runtimes, all get everything`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    using out = new DataBroadcaster(config("lossless"), stream, { runtime });
    const blocks = 2000;
    const readers: Process[] = [];
    for (const runtime of ["deno", "bun", currentRuntime] as const) {
      readers.push(await startReader(out, { stream, subscribers: 1, blocks, delivery: "lossless", runtime }));
    }
    await waitFor(() => out.getSubscriberCount() === 3);
    const checksum = broadcastFull(out, blocks);
    for (const reader of readers) {
      const [result] = await resultsOf(reader);
      assertEquals([result!.receivedBlocks, result!.missedBlocks, result!.checksum], [blocks, 0, checksum]);
    }
  });

  test(`${lane}: throughput: every one of 50000 full blocks reaches another process`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    using out = new DataBroadcaster(config("lossless"), stream, { runtime });
    const blocks = 50_000;
    await using reader = await startReader(out, { stream, subscribers: 1, blocks, delivery: "lossless" });
    const checksum = broadcastFull(out, blocks);
    const [result] = await resultsOf(reader);
    assertEquals([result!.receivedBlocks, result!.missedBlocks, result!.checksum], [blocks, 0, checksum]);
    assertEquals(out.getStats().sentBlocks, blocks);
  });

  test(`${lane}: throughput: of 50000 full blocks that do not wait, each is received or counted as missed`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    using out = new DataBroadcaster(config("lossy"), stream, { runtime });
    const blocks = 50_000;
    await using reader = await startReader(out, { stream, subscribers: 1, blocks, delivery: "lossy" });
    broadcastFull(out, blocks);
    const [result] = await resultsOf(reader);
    const { first, receivedBlocks, missedBlocks, inOrder } = result!;
    // A reader of a ring counts from where it joined, one of the queue lane from the first block that it received.
    assertEquals([receivedBlocks + missedBlocks, inOrder], [lane === "queue" ? blocks - first : blocks, true]);
  });

  for (const subscribers of [500, 1000]) {
    test(`${lane}: massive scale: ${subscribers} subscribers of another process all get everything`, async () => {
      using runtime = Runtime.open();
      const stream = newStream();
      using out = new DataBroadcaster(config("lossless"), stream, { runtime });
      const blocks = 300;
      await using reader = await startReader(out, { stream, subscribers, blocks, delivery: "lossless" });
      const checksum = broadcastFull(out, blocks);
      assertEquals(await resultsOf(reader), [{
        subscribers,
        first: 0,
        receivedBlocks: blocks,
        receivedRecords: blocks * 1020,
        receivedBytes: blocks * BLOCK_DATA_SIZE,
        missedBlocks: 0,
        checksum,
        inOrder: true,
      }]);
    });
  }
}
