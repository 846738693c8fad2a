// SPDX-License-Identifier: Apache-2.0
// lossless_trial.ts [blocks]
//
// A lossless writer at full speed with three reader processes: one reads as fast as it can, one rests now and then, one is killed in
// the middle. By hand, with any number of blocks:
//
//   sh tests/support/namespace.sh deno run --allow-all tests/ring/lossless_trial.ts 100000000
import process from "node:process";
import { assertEquals } from "@std/assert";
import type { BroadcastConfigFields } from "../../mod.ts";
import { RouDi } from "../support/roudi.ts";
import { currentRuntime } from "../support/runtime.ts";
import { waitFor } from "../support/wait.ts";
import { otherRuntime, ReaderPeer, runOf, WriterPeer } from "./peers.ts";
import type { ReaderReport } from "./reader.ts";

/** What came of it. */
export interface LosslessReport {
  readonly blocks: number;
  readonly seconds: number;
  readonly blocksPerSecond: number;
  readonly droppedReaders: number;
  /** The longest time that the writer got no room. */
  readonly longestMs: number;
  /** Blocks that the killed reader had read. */
  readonly killedAt: number;
}

const STREAM = "lossless_trial";
const REST_MS = 1;
/** A block a microsecond is more than any machine does with these checks. */
const TIMEOUT_MS_PER_BLOCK = 0.1;
const TIMEOUT_MS_MIN = 60_000;

/** Sends so many blocks, and checks that the readers that live got all of them. A RouDi must run. */
export async function runLosslessTrial(
  blocks: number,
  fields: Partial<BroadcastConfigFields> = {},
): Promise<LosslessReport> {
  const config = { ...fields, lane: "ring", delivery: "lossless" } as const;
  const timeoutMs = Math.max(TIMEOUT_MS_MIN, blocks * TIMEOUT_MS_PER_BLOCK);
  await using fast = await ReaderPeer.start(STREAM, { config }, { runtime: otherRuntime });
  await using slow = await ReaderPeer.start(STREAM, { config, restMs: REST_MS, restBlocks: 2000 });
  await using victim = await ReaderPeer.start(STREAM, { config }, { runtime: otherRuntime });
  await using writer = await WriterPeer.start(STREAM, { config }, { runtime: currentRuntime });
  await waitFor(async () => (await writer.ask("stats")).subscribers === 3);
  const began = performance.now();
  writer.process.writeLine(`send ${blocks}`);
  victim.process.writeLine(`until ${Math.floor(blocks / 2)}`);
  const killedAt = (JSON.parse(await victim.process.nextLine({ timeoutMs })) as ReaderReport).receivedBlocks;
  await victim.kill();
  const { next, droppedReaders, longestMs } = JSON.parse(await writer.process.nextLine({ timeoutMs }));
  const seconds = (performance.now() - began) / 1000;
  assertEquals(next, blocks);
  for (const reader of [fast, slow]) {
    const { runs, faults, missedBlocks, droppedByWriter } = await reader.finish();
    assertEquals([runs, faults, missedBlocks, droppedByWriter], [[runOf(writer.epoch, 0, blocks)], [], 0, 0]);
  }
  await writer.end();
  return { blocks, seconds, blocksPerSecond: blocks / seconds, droppedReaders, longestMs, killedAt };
}

if (import.meta.main) {
  await using _roudi = await RouDi.start();
  console.log(JSON.stringify(await runLosslessTrial(Number(process.argv[2] ?? 100_000_000))));
}
