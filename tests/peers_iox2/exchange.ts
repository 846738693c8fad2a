// SPDX-License-Identifier: Apache-2.0
//
// Rust and Python processes over iceoryx2's own APIs, of one version, with the library over that version. Both sides compute what each
// block has to contain from its sequence, so every field of every block is checked.
import { test } from "node:test";
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { type Block, BroadcastConfig, DataBroadcaster, DataSubscriber, Runtime } from "../../mod.ts";
import { PatternMemory } from "../support/fast_pattern.ts";
import { type PatternKind, patternLength } from "../support/pattern.ts";
import {
  checkCppBlock,
  checkCppHeader,
  newStream,
  openQueueLane,
  type Published,
  type Received,
  resultOf,
} from "../support/peers.ts";
import {
  broadcastTo,
  type Language,
  LANGUAGES,
  lead,
  libraryOf,
  patternSum,
  type Peers,
  peersOf,
  type Version,
} from "../support/peers_iox2.ts";
import { delay, waitFor } from "../support/wait.ts";

const COUNT = 100_000;
const KINDS = ["ticks", "full"] as const;
const LOSSY = new BroadcastConfig();
/** So many of the first blocks, with ticks of every number, symbol and place, are read as a user does it; of all the bytes are compared. */
const READ_BY_FIELDS = 11_300;

interface Side {
  readonly runtime: Runtime;
  readonly peers: Peers;
}

async function receive({ runtime, peers }: Side, language: Language, kind: PatternKind, count: number): Promise<void> {
  const stream = newStream();
  using feed = new DataSubscriber(LOSSY, stream, { runtime });
  await using peer = peers.publisher(language, stream, "--count", `${count}`, "--pattern", kind);
  await peer.waitForLine("ready");
  peer.writeLine("0");
  const memory = new PatternMemory();
  let next = 0;
  let checksum = 0;
  const handler = (block: Block): void => {
    const sequence = next < READ_BY_FIELDS ? checkCppBlock(block, kind) : checkCppHeader(block, kind);
    if (sequence !== next) throw new Error(`block ${sequence} came as number ${next}`);
    const used = block.data.subarray(0, patternLength(kind, next));
    if (!memory.holds(kind, next, used)) throw new Error(`the data of block ${next} differ`);
    checksum = (checksum + memory.checksum(used, used.length)) >>> 0;
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

async function send(
  { runtime, peers }: Side,
  language: Language,
  lane: "queue" | "auto",
  kind: PatternKind,
  count: number,
): Promise<void> {
  const stream = newStream();
  using out = new DataBroadcaster(LOSSY.with({ lane }), stream, { runtime });
  using _opener = await openQueueLane(out, runtime, kind);
  const first = out.nextSequence;
  const last = first + count - 1;
  const args = ["--last-sequence", `${last}`, "--pattern", kind];
  await using peer = peers.subscriber(language, stream, ...args);
  await peer.waitForLine("ready");
  await waitFor(() => out.getSubscriberCount() === 2);
  const sum = await broadcastTo(peer, out, kind, count);
  const result = await resultOf<Received>(peer);
  // iceoryx2 hands over the history that a service keeps, whether it is wanted or not.
  assertLessOrEqual(result.first, first, peer.report());
  const received = last - result.first + 1;
  const checksum = (patternSum(kind, result.first, first - 1) + sum) >>> 0;
  const wanted = { received, missed: 0, bad: 0, backwards: 0, first: result.first, last, publishers: 1, checksum };
  assertEquals(result, wanted, peer.report());
  assertEquals(out.getStats().queueLaneMissedBlocks, 0);
}

/** Declares the tests of this version. */
export function testPeers(version: Version): void {
  const peers = peersOf(version);
  const open = (): Runtime => Runtime.open({ stack: "iceoryx2", libraryPath: libraryOf(version) });

  for (const [from, to] of [LANGUAGES, LANGUAGES.toReversed()] as const) {
    for (const kind of KINDS) {
      test(`what ${from} publishes of ${kind} ${to} receives: the peers of ${version} agree about the block`, async () => {
        const count = 10_000;
        const args = ["--pattern", kind, "--count", `${count}`];
        const stream = newStream();
        await using subscriber = peers.subscriber(to!, stream, "--expect", "native", ...args);
        await using publisher = peers.publisher(from!, stream, ...args);
        const [{ published, checksum }, received] = await lead(publisher, subscriber, count);
        const wanted = { received: count, missed: 0, bad: 0, backwards: 0, first: 0, last: count - 1, publishers: 1 };
        assertEquals([published, received], [count, { ...wanted, checksum }], subscriber.report());
      });
    }
  }

  for (const language of LANGUAGES) {
    for (const kind of KINDS) {
      test(`${language} publishes ${COUNT} blocks of ${kind} with ${version}: every field of every block arrives`, async () => {
        using runtime = open();
        await receive({ runtime, peers }, language, kind, COUNT);
      });

      // Beside a ring the same port is fed, so one pattern is enough there.
      for (const lane of kind === "ticks" ? (["queue", "auto"] as const) : (["queue"] as const)) {
        const what = `${COUNT} blocks of ${kind} of lane ${lane} with ${version}`;
        test(`${language} receives ${what}: every field of every block arrives`, async () => {
          using runtime = open();
          await send({ runtime, peers }, language, lane, kind, COUNT);
        });
      }
    }
  }
}
