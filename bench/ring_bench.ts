// SPDX-License-Identifier: Apache-2.0
//
// `deno bench bench/ring_bench.ts`: one block through a ring within one thread, on the stack that lives in the memory of one
// process, which needs no daemon and no permission. In pairs: what copies, and what does not.
import { type Block, BroadcastConfig, DataBroadcaster, DataSubscriber, MarketDataType, Runtime, Tick } from "../mod.ts";

Runtime.open({ stack: "memory" });
const full = new Uint8Array(8136);
const tick = new Uint8Array(72);
const copy = new Uint8Array(8160);
const base = new BroadcastConfig({ serviceName: "Bench", bufferDepth: 16 });
let sum = 0;

function touch(block: Block): void {
  sum += block.sequence + block.data[0] + block.records(Tick).at(0).last;
}

function copyOut(block: Block): void {
  copy.set(block.data);
}

/** A stream with one subscriber, by the way in which it is delivered and read. */
function open(name: string, fields: Partial<BroadcastConfig>): { out: DataBroadcaster; feed: DataSubscriber } {
  const config = base.with(fields);
  const feed = new DataSubscriber(config, name);
  const out = new DataBroadcaster(config, name);
  // Blocks that come before the subscriber has found the ring are lost: the benches begin once one has arrived.
  while (!feed.hasData()) {
    out.broadcast(tick, 1, MarketDataType.Tick);
    feed.waitSync(10);
  }
  while (feed.poll(() => {}) > 0);
  return { out, feed };
}

const lossy = open("lossy", { delivery: "lossy", read: "stable" });
const inPlace = open("in-place", { delivery: "lossy", read: "in-place" });
const lossless = open("lossless", { delivery: "lossless" });
const alone = new DataBroadcaster(base, "alone");

const ways: readonly [string, { out: DataBroadcaster; feed: DataSubscriber }][] = [
  ["lossy, stable", lossy],
  ["lossy, in-place", inPlace],
  ["lossless", lossless],
];

/** One bench for each way to deliver and read. */
function benchWays(group: string, data: Uint8Array, recordCount: number, handler: (block: Block) => void): void {
  for (const [way, { out, feed }] of ways) {
    Deno.bench({
      name: `${group}: ${way}`,
      group,
      baseline: feed === lossy.feed,
      fn: () => {
        out.broadcast(data, recordCount, MarketDataType.Tick);
        feed.poll(handler);
      },
    });
  }
}

benchWays("broadcast a tick, poll, touch", tick, 1, touch);
benchWays("broadcast a full block, poll, touch", full, 113, touch);
benchWays("broadcast a full block, poll, copy", full, 113, copyOut);

Deno.bench({
  name: "broadcast a tick to nobody",
  group: "write",
  baseline: true,
  fn: () => void alone.broadcast(tick, 1, MarketDataType.Tick),
});
Deno.bench({
  name: "loan, publish a tick to nobody",
  group: "write",
  fn: () => void alone.loan()?.publish(72, 1, MarketDataType.Tick),
});
Deno.bench({
  name: "broadcast a full block to nobody",
  group: "write",
  fn: () => void alone.broadcast(full, 113, MarketDataType.Tick),
});
Deno.bench({ name: "poll an empty ring", group: "read", fn: () => void lossy.feed.poll(touch) });
