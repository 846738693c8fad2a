// SPDX-License-Identifier: Apache-2.0
import { checksum } from "../support/checksum.ts";
import type { Results } from "./broadcast.ts";

/** What is in the file. */
export interface Expected {
  readonly bars: number;
  readonly checksum: number;
  readonly firstDate: string;
  readonly lastDate: string;
  readonly firstOpen: number;
  readonly lastClose: number;
}

/** Bytes of a bar, written down here a second time so that the demo also notices a layout that changed. */
const BAR_BYTES = 88;
const DAY_NS = 86_400_000_000_000n;
const SYMBOL = "SPX";

/**
 * Counts and sums up the bars of a file as a C program would lay them out, without the module under test.
 *
 * @param csv The text of the file.
 * @returns What every reader should have seen.
 */
export function expectedOf(csv: string): Expected {
  const rows = csv.trim().split("\n").slice(1).map((line) => line.split(","));
  let sum = 0;
  for (const [date, open, high, low, close, , volume] of rows) {
    const bytes = new Uint8Array(BAR_BYTES);
    const view = new DataView(bytes.buffer);
    view.setBigInt64(0, BigInt(Date.parse(date!)) * 1_000_000n, true);
    view.setBigInt64(8, DAY_NS, true);
    [open, high, low, close, volume].forEach((text, index) => view.setFloat64(16 + 8 * index, Number(text), true));
    bytes.set(new TextEncoder().encode(SYMBOL), 60);
    sum = checksum(bytes, sum);
  }
  const [first, last] = [rows[0]!, rows[rows.length - 1]!];
  return {
    bars: rows.length,
    checksum: sum,
    firstDate: first[0]!,
    lastDate: last[0]!,
    firstOpen: Number(first[1]),
    lastClose: Number(last[4]),
  };
}

/**
 * Compares what was sent and received with the file.
 *
 * @param lane What to call the lane.
 * @param expected What is in the file.
 * @param results What the scripts said.
 * @returns What differs, in words; empty when all is well.
 */
export function differences(lane: string, expected: Expected, results: Results): string[] {
  const found: string[] = [];
  const compare = (what: string, value: number, wanted: number): void => {
    if (value !== wanted) found.push(`${lane}, ${what}: ${value} instead of ${wanted}`);
  };
  const { feed, strategy, service } = results;
  compare("bars sent", feed.bars, expected.bars);
  // One block a bar, and the one that ends the stream.
  compare("blocks sent", feed.blocks.sentBlocks, expected.bars + 1);
  for (const [name, reader] of Object.entries({ strategy, service })) {
    compare(`bars received by the ${name}`, reader.bars, expected.bars);
    compare(`checksum of the ${name}`, reader.checksum, expected.checksum);
    compare(`blocks received by the ${name}`, reader.blocks.receivedBlocks, expected.bars + 1);
    compare(`blocks lost by the ${name}`, reader.blocks.missedBlocks, 0);
    compare(`broadcasters that the ${name} heard`, reader.blocks.broadcasters, 1);
  }
  return found;
}
