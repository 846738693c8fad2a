// SPDX-License-Identifier: Apache-2.0
// The checksum of a block by the library and by tables, the same; on both lanes of one stream; and between this module and ring.h.
import { after, before, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { BroadcastConfig, DataBroadcaster, DataSubscriber, Runtime } from "../mod.ts";
import { BlockVerifier, sealBlock } from "../src/block/block_checksum.ts";
import { readCrc32c, writeHeader, writeTrailer } from "../src/block/header.ts";
import { BLOCK_SIZE } from "../src/block/layout.ts";
import { Window } from "../src/block/window.ts";
import { Native } from "../src/ffi/native.ts";
import { NativeChecksums } from "../src/transport/native_checksums.ts";
import { checkBlock, drain, payload, send } from "./conformance/tools.ts";
import { broadcastToPeer, receiveFromPeer } from "./ring_peers/exchange.ts";
import { assertChecksum, hasChecksum } from "./support/checksum.ts";
import { newStream } from "./support/peers.ts";
import { Random } from "./support/random.ts";
import { RouDi } from "./support/roudi.ts";
import { spoilRing } from "./support/spoil.ts";
import { waitFor } from "./support/wait.ts";

const FLAGS = 7;
const SEQUENCE = 2 ** 52 + 12345;

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

/** Two blocks in one window, at the second place, with random data. */
function newBlock(length: number, random: Random): Window {
  const window = Window.allocate(2 * BLOCK_SIZE);
  for (let at = BLOCK_SIZE; at < 2 * BLOCK_SIZE; at += 4) window.words[at / 4] = random.bits();
  writeHeader(window, BLOCK_SIZE, SEQUENCE, 3, 4, FLAGS, length, 24, 5);
  writeTrailer(window, BLOCK_SIZE, 1, 2, 0, 0);
  return window;
}

test("the library and the tables make the same checksum at every length, and each verifies the other's", () => {
  const native = new NativeChecksums(Native.load());
  const random = new Random(3);
  for (let length = 0; length <= 8136; length += length < 300 ? 1 : 113) {
    const sums = [native, null].map((maker) => {
      const window = newBlock(length, new Random(length));
      sealBlock(maker, window, BLOCK_SIZE, SEQUENCE);
      assert(hasChecksum(window.bytes.subarray(BLOCK_SIZE)), `length ${length}`);
      for (const verifier of [native, null]) assert(new BlockVerifier(verifier).accepts(window, BLOCK_SIZE));
      // Any other byte is noticed by both.
      window.bytes[BLOCK_SIZE + 8 + random.integer(0, 23 + length)]! ^= 1 << random.integer(0, 7);
      for (const verifier of [native, null]) assert(!new BlockVerifier(verifier).accepts(window, BLOCK_SIZE));
      return readCrc32c(window, BLOCK_SIZE);
    });
    assertEquals(sums[0], sums[1], `length ${length}`);
  }
});

test("memory that was detached has no checksum, and asking for it harms nobody", () => {
  for (const maker of [new NativeChecksums(Native.load()), null]) {
    const window = newBlock(64, new Random(1));
    sealBlock(maker, window, BLOCK_SIZE, SEQUENCE);
    const verifier = new BlockVerifier(maker);
    assert(verifier.accepts(window, BLOCK_SIZE));
    window.detach();
    assert(!verifier.accepts(window, BLOCK_SIZE));
    sealBlock(maker, window, BLOCK_SIZE, SEQUENCE);
  }
});

test("a relayed block keeps its checksum, and may have another sequence than its source", () => {
  for (const maker of [new NativeChecksums(Native.load()), null]) {
    const window = newBlock(64, new Random(2));
    sealBlock(maker, window, BLOCK_SIZE, SEQUENCE);
    const reserved = (2 * BLOCK_SIZE - 4) / 4;
    window.words[BLOCK_SIZE / 4]! += 1;
    assert(!new BlockVerifier(maker).accepts(window, BLOCK_SIZE));
    window.words[reserved] = 1;
    assert(new BlockVerifier(maker).accepts(window, BLOCK_SIZE));
  }
});

test("a broadcaster with both lanes gives the same checksum to both, and what is spoiled on one is whole on the other", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  const config = new BroadcastConfig({ checksum: true });
  using out = new DataBroadcaster(config, stream, { runtime });
  using ring = new DataSubscriber(config, stream, { runtime, lane: "ring" });
  using queue = new DataSubscriber(config, stream, { runtime, lane: "queue" });
  // It is fed once its port is known.
  await waitFor(() => {
    send(out, 1);
    return drain(queue).length > 0;
  });
  drain(ring);
  const sequence = out.nextSequence;
  for (const length of [0, 72, 300, 8136]) {
    send(out, 1, length);
    for (const feed of [ring, queue]) {
      using block = feed.receiveBlock()!;
      checkBlock(block, length);
      assertChecksum(block);
      assertEquals([block.sourceSequence, block.epoch], [block.sequence, out.epoch]);
    }
  }
  send(out, 1);
  spoilRing(runtime, out, sequence + 4, 40, 1);
  assertEquals([ring.receive(), queue.receive()], [null, payload(sequence + 4)]);
  assertEquals([ring.getReceiveStats().corruptBlocks, queue.getReceiveStats().corruptBlocks], [1, 0]);
});

for (const delivery of ["lossless", "lossy"] as const) {
  const exchange = { kind: "ticks", delivery, read: "stable", checksum: true } as const;

  test(`C++ verifies ${delivery} blocks whose checksums this module makes`, async () => {
    using runtime = Runtime.open();
    const { corrupt } = await broadcastToPeer(runtime, exchange, 20_000);
    assertEquals(corrupt, 0);
  });

  test(`this module verifies ${delivery} blocks whose checksums C++ makes`, async () => {
    using runtime = Runtime.open();
    const { corruptBlocks } = await receiveFromPeer(runtime, exchange, 20_000);
    assertEquals(corruptBlocks, 0);
  });
}
