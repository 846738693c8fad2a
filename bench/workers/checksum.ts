// SPDX-License-Identifier: Apache-2.0
//
// `checksum-*`: nanoseconds of a block from `broadcast` through `poll`, within one thread, with a checksum and without, which take
// turns in short rounds; on a ring of the native library, and on one of the memory stack, which has no instruction for it.
import {
  type Block,
  type BroadcastConfig,
  DataBroadcaster,
  DataSubscriber,
  MarketDataType,
  Runtime,
} from "../../mod.ts";
import { benchConfig } from "../support/stream.ts";
import { numberOption, report } from "../support/worker.ts";

const ROUNDS = 99;
const bytes = numberOption("bytes");
const count = numberOption("count");
const warmup = numberOption("warmup");

const data = new Uint8Array(bytes).fill(0x5a);
let sum = 0;
const touch = (block: Block): void => {
  sum = (sum + block.data[0]! + block.recordCount) | 0;
};

interface Way {
  readonly name: string;
  readonly out: DataBroadcaster;
  readonly feed: DataSubscriber;
  readonly ns: number[];
}

/** A stream with one subscriber, which has read from it. */
function open(name: string, config: BroadcastConfig, runtime: Runtime): Way {
  const feed = new DataSubscriber(config, name, { runtime });
  const out = new DataBroadcaster(config, name, { runtime });
  while (!feed.hasData()) {
    out.broadcast(data, 1, MarketDataType.Tick);
    feed.waitSync(10);
  }
  while (feed.poll(touch) > 0);
  return { name, out, feed, ns: [] };
}

/** Nanoseconds of a block. */
function measure({ out, feed }: Way, blocks: number): number {
  const began = performance.now();
  for (let index = 0; index < blocks; index++) {
    out.broadcast(data, 1, MarketDataType.Tick);
    feed.poll(touch);
  }
  return (performance.now() - began) * 1e6 / blocks;
}

const native = Runtime.open();
const memory = Runtime.open({ stack: "memory" });
const plain = benchConfig();
const sealed = plain.with({ checksum: true });
const ways = [
  open("native", plain, native),
  open("nativeChecked", sealed, native),
  // The thread is pinned by then, and this stack cannot do it.
  open("tables", plain.with({ cpuAffinity: null }), memory),
  open("tablesChecked", sealed.with({ cpuAffinity: null }), memory),
];
for (const way of ways) measure(way, warmup);
for (let round = 0; round < ROUNDS; round++) for (const way of ways) way.ns.push(measure(way, count));
const result: Record<string, number> = {};
for (const { name, ns } of ways) result[name] = ns.sort((a, b) => a - b)[ns.length >> 1]!;
const isWhole = ways.every(({ feed }) => {
  const { missedBlocks, receivedBytes } = feed.getReceiveStats();
  return missedBlocks === 0 && receivedBytes >= bytes * (count * ROUNDS + warmup);
});
report({ ok: isWhole && sum !== 0, count: count * ROUNDS, ...result });
for (const { out, feed } of ways) {
  feed.close();
  out.close();
}
memory.close();
native.close();
