// SPDX-License-Identifier: Apache-2.0
// Chunks that peers send on a stream and that are no blocks: counted, given back, and never seen.
import { describe, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { BroadcastConfig, DataBroadcaster, DataSubscriber, MarketDataType, Runtime } from "../mod.ts";
import { assertStillFlows, makePair } from "./support/misuse.ts";
import { occupy, vacate } from "./support/occupy.ts";
import { type Pool, RouDi } from "./support/roudi.ts";
import { waitFor } from "./support/wait.ts";

const { Unknown } = MarketDataType;
const BLOCK_POOL: Pool = { size: 8320, count: 64 };

describe("chunks of peers that are no blocks", () => {
  const sizes: readonly [string, string, string][] = [
    ["of 64 bytes", "64", "64"],
    ["one byte short", "8191", "64"],
    ["one byte long", "8193", "64"],
    ["of 16 KiB", "16384", "64"],
    ["of the right size, aligned to 8", "8192", "8"],
  ];
  for (const [what, size, alignment] of sizes) {
    test(`chunks ${what} are counted in foreignChunks and not seen`, async () => {
      const pools = [{ size: 128, count: 64 }, BLOCK_POOL, { size: 16768, count: 64 }];
      await using _roudi = await RouDi.start({ pools });
      using runtime = Runtime.open();
      using pair = makePair(runtime, "foreign", { lane: "queue" });
      const { out, feed } = pair;
      const args = ["--foreign-size", size, "--foreign-alignment", alignment, "--foreign-count", "20"];
      await using peer = await occupy("--stream", "foreign", ...args);
      out.broadcast(Uint8Array.of(1), 1, Unknown);
      const seen: number[] = [];
      feed.poll((block) => seen.push(block.data[0]!));
      assertEquals((await vacate(peer)).sent, 20);
      assertEquals(seen.filter((byte) => byte === 1), [1]);
      // Some chunks of a small alignment begin by chance where a block may begin: nothing tells them from blocks, unless their flags
      // speak of a checksum that is then wrong.
      const taken = seen.length - 1;
      const { foreignChunks, corruptBlocks, receivedBlocks } = feed.getReceiveStats();
      assertEquals([foreignChunks + corruptBlocks + taken, receivedBlocks], [20, 1 + taken]);
      if (alignment === "64") assertEquals([corruptBlocks, taken], [0, 0]);
      else assert(foreignChunks > 0);
    });
  }

  test("foreign chunks wake a waiting subscriber without a block, and it waits on", async () => {
    await using _roudi = await RouDi.start({ pools: [{ size: 128, count: 64 }, BLOCK_POOL] });
    using runtime = Runtime.open();
    using pair = makePair(runtime, "alarm", { lane: "queue", wait: "park" });
    const { out, feed } = pair;
    const iteration = feed.blocks();
    const next = iteration.next();
    await using _peer = await occupy("--stream", "alarm", "--foreign-size", "64", "--foreign-count", "5");
    await waitFor(() => feed.getReceiveStats().foreignChunks === 5);
    out.broadcast(Uint8Array.of(9), 1, Unknown);
    const { value } = await next;
    assertEquals(value?.data[0], 9);
    await iteration.return!();
  });

  test("foreign chunks that come before there is a ring are counted by a subscriber of any lane, which then takes the ring", async () => {
    await using _roudi = await RouDi.start({ pools: [{ size: 256, count: 64 }, BLOCK_POOL] });
    using runtime = Runtime.open();
    const config = new BroadcastConfig();
    using feed = new DataSubscriber(config, "early", { runtime });
    await using _peer = await occupy("--stream", "early", "--foreign-size", "64", "--foreign-count", "5");
    assertEquals([feed.poll(() => {}), feed.getReceiveStats().foreignChunks], [0, 5]);
    using out = new DataBroadcaster(config, "early", { runtime });
    assertStillFlows(out, feed);
    assertEquals(feed.getReceiveStats().foreignChunks, 5);
  });
});

describe("announcements of peers that announce no ring", () => {
  // The last has the size of an announcement, and whatever content.
  for (const size of ["8", "63", "65", "4096", "64"]) {
    test(`announcements of ${size} bytes are passed over, and rings are found among them`, async () => {
      await using _roudi = await RouDi.start({ pools: [{ size: 256, count: 64 }, { size: 8320, count: 256 }] });
      using runtime = Runtime.open();
      const config = new BroadcastConfig();
      using feed = new DataSubscriber(config, "rumour", { runtime });
      const args = ["--stream", "rumour", "--event", "Ring", "--foreign-size", size, "--foreign-count", "3"];
      await using peer = await occupy(...args);
      assertEquals(feed.receive(), null);
      using out = new DataBroadcaster(config, "rumour", { runtime });
      assertStillFlows(out, feed);
      await vacate(peer);
      await using _second = await occupy(...args, "--history", "1");
      using late = new DataSubscriber(config, "rumour", { runtime });
      assertStillFlows(out, late);
      assertEquals([feed.poll(() => {}), feed.state, late.state], [1, "live", "live"]);
    });
  }
});
