// SPDX-License-Identifier: Apache-2.0
// Rust and Python processes over iceoryx2's own APIs. Both sides compute what each block has to contain from its sequence, so every
// field of every block is checked.
import { test } from "node:test";
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { type Block, BroadcastConfig, DataBroadcaster, DataSubscriber, Runtime } from "../mod.ts";
import { patternChecksum, type PatternKind, patternLength, patternRecordSize } from "./support/pattern.ts";
import { checkCppBlock, newStream, openQueueLane, type Published, type Received, resultOf } from "./support/peers.ts";
import {
  broadcastTo,
  type Language,
  LANGUAGES,
  lead,
  patternSum,
  startIox2Publisher,
  startIox2Subscriber,
} from "./support/peers_iox2.ts";
import { delay, waitFor } from "./support/wait.ts";

const COUNT = 100_000;
const KINDS = ["ticks", "full"] as const;
const LOSSY = new BroadcastConfig();

async function receive(language: Language, kind: PatternKind, count: number): Promise<void> {
  using runtime = Runtime.open({ stack: "iceoryx2" });
  const stream = newStream();
  using feed = new DataSubscriber(LOSSY, stream, { runtime });
  await using peer = startIox2Publisher(language, stream, "--count", `${count}`, "--pattern", kind);
  await peer.waitForLine("ready");
  peer.writeLine("0");
  let next = 0;
  let checksum = 0;
  const handler = (block: Block): void => {
    if (checkCppBlock(block, kind) !== next) throw new Error(`block ${block.sequence} came as number ${next}`);
    checksum = (checksum + patternChecksum(block.data, patternLength(kind, next))) >>> 0;
    next++;
  };
  while (next < count) {
    if (feed.poll(handler) > 0) peer.writeLine(`${next}`);
    else assert(peer.exit === null, peer.report());
    // What is written to the peer, and what it writes, goes in turns of the event loop.
    await delay(0);
  }
  const result = await resultOf<Published>(peer);
  assertEquals([result.published, result.last, result.checksum], [count, count - 1, checksum]);
  const { receivedBlocks, missedBlocks, gaps, broadcasters, foreignChunks } = feed.getReceiveStats();
  assertEquals([receivedBlocks, missedBlocks, gaps, broadcasters, foreignChunks], [count, 0, 0, 1, 0]);
}

async function send(language: Language, lane: "queue" | "auto", kind: PatternKind, count: number): Promise<void> {
  using runtime = Runtime.open({ stack: "iceoryx2" });
  const stream = newStream();
  using out = new DataBroadcaster(LOSSY.with({ lane }), stream, { runtime });
  using _opener = await openQueueLane(out, runtime);
  const first = out.nextSequence;
  const last = first + count - 1;
  const args = ["--last-sequence", `${last}`, "--pattern", kind, "--record-size", `${patternRecordSize(kind)}`];
  await using peer = startIox2Subscriber(language, stream, ...args);
  await peer.waitForLine("ready");
  await waitFor(() => out.getSubscriberCount() === 2);
  await broadcastTo(peer, out, kind, count);
  const result = await resultOf<Received>(peer);
  // iceoryx2 hands over the history that a service keeps, whether it is wanted or not.
  assertLessOrEqual(result.first, first, peer.report());
  const received = last - result.first + 1;
  const checksum = patternSum(kind, result.first, last);
  const wanted = { received, missed: 0, bad: 0, backwards: 0, first: result.first, last, publishers: 1, checksum };
  assertEquals(result, wanted, peer.report());
  assertEquals(out.getStats().queueLaneMissedBlocks, 0);
}

for (const [from, to] of [LANGUAGES, LANGUAGES.toReversed()] as const) {
  for (const kind of KINDS) {
    test(`what ${from} publishes of ${kind} ${to} receives: the peers agree about the block`, async () => {
      const count = 10_000;
      const args = ["--pattern", kind, "--count", `${count}`];
      const stream = newStream();
      await using subscriber = startIox2Subscriber(to!, stream, "--expect", "native", ...args);
      await using publisher = startIox2Publisher(from!, stream, ...args);
      const [{ published, checksum }, received] = await lead(publisher, subscriber, count);
      const wanted = { received: count, missed: 0, bad: 0, backwards: 0, first: 0, last: count - 1, publishers: 1 };
      assertEquals([published, received], [count, { ...wanted, checksum }], subscriber.report());
    });
  }
}

for (const language of LANGUAGES) {
  for (const kind of KINDS) {
    test(`${language} publishes ${COUNT} blocks of ${kind}: every field of every block arrives`, async () => {
      await receive(language, kind, COUNT);
    });

    for (const lane of ["queue", "auto"] as const) {
      test(`${language} receives ${COUNT} blocks of ${kind} of lane ${lane}: every field of every block arrives`, async () => {
        await send(language, lane, kind, COUNT);
      });
    }
  }
}
