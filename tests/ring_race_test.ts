// SPDX-License-Identifier: Apache-2.0
// A writer and readers in different threads at full speed: every byte that counts as received is what was sent.
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { type Block, BroadcastConfig, type BroadcastConfigFields, DataSubscriber } from "../mod.ts";
import { newStream } from "./conformance/tools.ts";
import type { RacerTask } from "./ring/racer.ts";
import { openMemory } from "./ring/raw_ring.ts";
import { BASE_TIMESTAMP_NS, checkPattern, FULL_WORD_COUNT } from "./support/pattern.ts";

const FIRST = 2 ** 32 - 1000;
/** Slots of the ring: few, so that its writer is always just behind or just ahead of the readers. */
const CAPACITY = 16;

/** The first word of a full block is its sequence times 0x9e3779b1; this undoes that. */
const FULL_FACTOR_INVERSE = 0xe8b2f51;

/** A way to read, which returns the sequences of the blocks that it took for received. */
type Take = (feed: DataSubscriber, look: (block: Block) => string) => number[];

const TAKES: Record<string, Take> = {
  poll: (feed, look) => {
    const got: number[] = [];
    feed.poll((block) => {
      const { sequence } = block;
      const wrong = look(block);
      // What was wrong was read while it changed, and is not counted.
      if (block.intact) {
        assertEquals(wrong, "");
        got.push(sequence);
      }
    });
    return got;
  },
  receive: (feed) => {
    const data = feed.receive();
    if (data === null) return [];
    const sequence = sequenceOf(data);
    assertEquals(checkData(sequence, data), "");
    return [sequence];
  },
  receiveBlock: (feed, look) => {
    using block = feed.receiveBlock();
    if (block === null) return [];
    const { sequence } = block;
    const wrong = look(block);
    if (!block.intact) return [];
    assertEquals(wrong, "");
    return [sequence];
  },
};

/** What is wrong with the data of the racer's block with this sequence. */
function checkData(sequence: number, data: Uint8Array): string {
  return checkPattern((sequence - FIRST) % 3 === 0 ? "full" : "ticks", sequence, data);
}

const check = ({ sequence, data }: Block): string => checkData(sequence, data);

/** The sequence that data of the racer begin with. */
function sequenceOf(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset);
  if (data.length !== FULL_WORD_COUNT * 4) return Number((view.getBigInt64(0, true) - BASE_TIMESTAMP_NS) / 1000n);
  const low = Math.imul(view.getUint32(0, true), FULL_FACTOR_INVERSE) >>> 0;
  return low >= FIRST ? low : low + 2 ** 32;
}

async function race(fields: Partial<BroadcastConfigFields>, take: Take, count: number): Promise<void> {
  using stand = openMemory();
  const { runtime, transport } = stand;
  const stream = newStream();
  const common = { bufferDepth: CAPACITY, lane: "ring", delivery: fields.delivery ?? "lossy" } as const;
  const task: RacerTask = { handle: transport.handle, stream, fields: common, firstSequence: FIRST, count };
  const feeds = [1, 2].map(() =>
    new DataSubscriber(new BroadcastConfig({ ...common, ...fields }), stream, { runtime })
  );
  const worker = new Worker(new URL("./ring/racer.ts", import.meta.url), { workerData: task });
  await once(worker, "message");
  for (const feed of feeds) assertEquals([feed.state, take(feed, check)], ["live", []]);
  const ended = once(worker, "message");
  worker.postMessage("go");
  const got = feeds.map((): number[] => []);
  while (feeds.some((feed) => feed.state !== "ended" || feed.hasData())) {
    feeds.forEach((feed, index) => got[index]!.push(...take(feed, check)));
  }
  await ended;
  await worker.terminate();
  feeds.forEach((feed, index) => {
    const sequences = got[index]!;
    assert(sequences.every((sequence, at) => at === 0 || sequence > sequences[at - 1]!), "in order, each once");
    const { receivedBlocks, missedBlocks, tornBlocks } = feed.getReceiveStats();
    assertEquals(receivedBlocks + missedBlocks, count);
    if (fields.delivery === "lossless") assertEquals([missedBlocks, tornBlocks], [0, 0]);
    // It was a race.
    else assertGreater(missedBlocks, 0);
    assertGreater(receivedBlocks, 0);
    // What was whole when it was looked at may still be overwritten before it is given back.
    if (fields.read === "in-place") assert(receivedBlocks <= sequences.length && tornBlocks <= missedBlocks);
    else assertEquals([receivedBlocks, tornBlocks], [sequences.length, 0]);
    feed.close();
  });
}

for (const [way, take] of Object.entries(TAKES)) {
  test(`RingReader, stable, ${way}: against a writer at full speed every received block is whole, and the others are missed`, () =>
    race({}, take, 12_000));

  test(`RingReader, in-place, ${way}: against a writer at full speed every intact block is whole, and the others are missed`, () =>
    race({ read: "in-place" }, take, 12_000));

  test(`RingReader, lossless, ${way}: against a writer at full speed every block is received, whole`, () =>
    race({ delivery: "lossless", readerTimeoutMs: 60_000 }, take, 2500));
}
