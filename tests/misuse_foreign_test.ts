// SPDX-License-Identifier: Apache-2.0
// Chunks that peers send on a stream and that are no blocks: counted, given back, and never seen.
import { describe, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { MarketDataType, Runtime } from "../mod.ts";
import { makePair } from "./support/misuse.ts";
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
      using pair = makePair(runtime, "foreign");
      const { out, feed } = pair;
      const args = ["--foreign-size", size, "--foreign-alignment", alignment, "--foreign-count", "20"];
      await using peer = await occupy("--stream", "foreign", ...args);
      out.broadcast(Uint8Array.of(1), 1, Unknown);
      const seen: number[] = [];
      feed.poll((block) => seen.push(block.data[0]!));
      assertEquals((await vacate(peer)).sent, 20);
      assertEquals(seen.filter((byte) => byte === 1), [1]);
      // Some chunks of a small alignment begin by chance where a block may begin: nothing tells them from blocks.
      const taken = seen.length - 1;
      const { foreignChunks, receivedBlocks } = feed.getReceiveStats();
      assertEquals([foreignChunks + taken, receivedBlocks], [20, 1 + taken]);
      if (alignment === "64") assertEquals(taken, 0);
      else assert(foreignChunks > 0);
    });
  }

  test("foreign chunks wake a waiting subscriber without a block, and it waits on", async () => {
    await using _roudi = await RouDi.start({ pools: [{ size: 128, count: 64 }, BLOCK_POOL] });
    using runtime = Runtime.open();
    using pair = makePair(runtime, "alarm", { wait: "park" });
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
});
