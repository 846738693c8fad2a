// SPDX-License-Identifier: Apache-2.0
// Blocks that were lost before they came to a ring: their sequences are taken, and readers count them as missed.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { BroadcastConfig, DataSubscriber } from "../mod.ts";
import { checkBlock, drain, newStream, range } from "./conformance/tools.ts";
import { openMemory, RawRing } from "./ring/raw_ring.ts";

const CAPACITY = 16;
const STARTS = [0, 2 ** 31 - 5, 2 ** 32 - 5, 3 * 2 ** 32 - 20, 2 ** 53 - 1024];

for (const read of ["stable", "in-place"] as const) {
  test(`RingReader, ${read}: what the writer skips is missed, in one gap, and not corrupt`, () => {
    using stand = openMemory();
    for (const firstSequence of STARTS) {
      for (let skipped = 1; skipped <= 3 * CAPACITY; skipped++) {
        const stream = newStream();
        using feed = new DataSubscriber(new BroadcastConfig({ read }), stream, { runtime: stand.runtime });
        const ring = new RawRing(stand.transport, stream, { firstSequence });
        ring.send(3);
        for (let index = 0; index < skipped; index++) assert(ring.skip());
        ring.send(2);
        const end = firstSequence + 3 + skipped + 2;
        const got = drain(feed);
        assertEquals(got.slice(-2), [end - 2, end - 1]);
        const { receivedBlocks, missedBlocks, gaps, corruptBlocks, tornBlocks } = feed.getReceiveStats();
        assertEquals([receivedBlocks + missedBlocks, corruptBlocks, tornBlocks], [end - firstSequence, 0, 0]);
        // The slot of the next block is invalid already, so one less than the capacity is surely there.
        if (end - firstSequence < CAPACITY) {
          assertEquals([got.slice(0, -2), gaps], [range(firstSequence, firstSequence + 3), 1]);
        }
        // The slots are as good as any in the laps to come.
        for (let round = 0; round < 3; round++) {
          ring.send(CAPACITY - 2);
          assertEquals(drain(feed).length, CAPACITY - 2);
        }
        ring.close();
      }
    }
  });
}

test("RingReader: a run of skipped blocks without a block behind it leaves a reader waiting, and the next block is found", () => {
  using stand = openMemory();
  const stream = newStream();
  using feed = new DataSubscriber(new BroadcastConfig(), stream, { runtime: stand.runtime });
  const ring = new RawRing(stand.transport, stream);
  for (let index = 0; index < 5; index++) assert(ring.skip());
  assertEquals([feed.hasData(), feed.receive(), feed.waitSync(1)], [false, null, false]);
  ring.send(1);
  using block = feed.receiveBlock();
  assertEquals([checkBlock(block!), feed.getReceiveStats().missedBlocks], [5, 5]);
  ring.close();
});

test("RingWriter, lossless: a skip has no room before readers have read, and gives room when they have", () => {
  using stand = openMemory();
  const stream = newStream();
  using feed = new DataSubscriber(new BroadcastConfig({ delivery: "lossless" }), stream, { runtime: stand.runtime });
  const ring = new RawRing(stand.transport, stream, { lossless: true });
  assertEquals([feed.hasData(), ring.send(10)], [false, 10]);
  let skipped = 0;
  while (ring.skip()) skipped++;
  assertEquals([skipped, drain(feed).length, feed.getReceiveStats().missedBlocks], [CAPACITY - 10, 10, CAPACITY - 10]);
  assertEquals(ring.send(CAPACITY + 5), CAPACITY);
  assertEquals(drain(feed), range(CAPACITY, 2 * CAPACITY));
  ring.close();
});
