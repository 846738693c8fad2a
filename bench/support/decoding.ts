// SPDX-License-Identifier: Apache-2.0
import { type Block, type DataBroadcaster, type DataSubscriber, Tick } from "../../mod.ts";

/** Ticks of a full block, and doubles of a tick's 72 bytes. */
export const TICKS = 113;
const DOUBLES = 9;

/** Broadcasts one full block of ticks and returns it, held. */
export function holdBlockOfTicks(out: DataBroadcaster, feed: DataSubscriber): Block {
  const writer = out.writer(Tick);
  for (let i = 0; i < TICKS; i++) {
    const last = 4000 + i * 0.25;
    writer.write({
      timestampNs: 1_700_000_000_000_000_000n + BigInt(i) * 1_000_000n,
      last,
      bid: last - 0.25,
      ask: last + 0.25,
      volume: 1000 + i,
      symbol: "ES",
    });
  }
  writer.flush();
  feed.waitSync(5000);
  const block = feed.receiveBlock();
  if (block === null || block.recordCount !== TICKS) throw new Error("The block of ticks did not come back");
  return block;
}

/** Payloads of full blocks, as `bench/floor/plain_throughput.c` has them: in payload p prices and volumes are higher by p. */
export const TICK_PAYLOADS = 8;

/** The data of the payloads of full blocks. */
export function tickPayloads(): readonly Uint8Array[] {
  return Array.from({ length: TICK_PAYLOADS }, (_, p) => {
    const data = new Uint8Array(TICKS * Tick.size);
    for (let i = 0; i < TICKS; i++) {
      const last = 4000 + p + i * 0.25;
      const timestampNs = 1_700_000_000_000_000_000n + BigInt(i) * 1_000_000n;
      const prices = { last, bid: last - 0.25, ask: last + 0.25 };
      Tick.write(data, i * Tick.size, { timestampNs, ...prices, volume: BigInt(1000 + p + i), symbol: "ES" });
    }
    return data;
  });
}

/** What `touchTicks` returns for payload `p`, 0 for the block of `holdBlockOfTicks`, computed without reading it. */
export function expectedSum(p: number = 0): number {
  let sum = 0;
  const symbol = 0x45 | 0x53 << 8; // "ES" and two NUL, little endian.
  for (let i = 0; i < TICKS; i++) sum += 1_700_000_000_000 + i + 3 * (4000 + p + i * 0.25) + 1000 + p + i + symbol;
  return sum;
}

/** Whether all ticks of a block of payload `p` read as they should; sums of doubles may differ in their last bits. */
export function isRightSum(sum: number, expected: number): boolean {
  return Math.abs(sum - expected) < 1;
}

/** Reads all fields of all ticks of a block in place. */
export function touchTicks(block: Block): number {
  let sum = 0;
  for (const tick of block.records(Tick)) {
    sum += tick.timestampMs + tick.last + tick.bid + tick.ask + tick.volumeNumber + tick.symbolWord(0);
  }
  return sum;
}

/** The same by index. */
export function touchTicksByIndex(block: Block): number {
  let sum = 0;
  const records = block.records(Tick);
  for (let i = 0; i < records.length; i++) {
    const tick = records.at(i);
    sum += tick.timestampMs + tick.last + tick.bid + tick.ask + tick.volumeNumber + tick.symbolWord(0);
  }
  return sum;
}

/** The same values, as doubles in an array of its own, 72 bytes a tick. */
export function doublesLikeTicks(): Float64Array {
  const doubles = new Float64Array(TICKS * DOUBLES);
  for (let i = 0; i < TICKS; i++) {
    const last = 4000 + i * 0.25;
    doubles.set([1_700_000_000_000 + i, last, last - 0.25, last + 0.25, 1000 + i, 0x5345], i * DOUBLES);
  }
  return doubles;
}

/** The floor: six doubles of each 72 bytes from a Float64Array. */
export function touchDoubles(doubles: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < doubles.length; at += DOUBLES) {
    sum += doubles[at] + doubles[at + 1] + doubles[at + 2] + doubles[at + 3] + doubles[at + 4] + doubles[at + 5];
  }
  return sum;
}
