// SPDX-License-Identifier: Apache-2.0
//
// `deno bench --allow-ffi bench/poll_bench.ts`: one block through the queue lane within one thread, by each way to write
// and to read it. What is allocated shows as garbage collections under `--v8-flags=--trace-gc`.
import { type Block, BroadcastConfig, DataBroadcaster, DataSubscriber, MarketDataType, Runtime, Tick } from "../mod.ts";

Runtime.open({ roudi: "spawn" });
const config = BroadcastConfig.lowLatency().with({ serviceName: "Bench", lane: "queue" });
const feed = new DataSubscriber(config, "poll");
const out = new DataBroadcaster(config, "poll");
const full = new Uint8Array(8136);
const tick = new Uint8Array(72);
const copy = new Uint8Array(8160);
let sum = 0;

/** Blocks that arrive before the subscription stands are lost: the benches begin once one has come back. */
while (!feed.hasData()) {
  out.broadcast(tick, 1, MarketDataType.Tick);
  feed.waitSync(10);
}
feed.poll(() => {});

function touch(block: Block): void {
  sum += block.sequence + block.data[0] + block.records(Tick).at(0).last;
}

function copyOut(block: Block): void {
  copy.set(block.data);
}

Deno.bench({
  name: "broadcast a tick, poll, touch",
  group: "poll",
  baseline: true,
  fn: () => {
    out.broadcast(tick, 1, MarketDataType.Tick);
    feed.poll(touch);
  },
});
Deno.bench({
  name: "broadcast a full block, poll, touch",
  group: "poll",
  fn: () => {
    out.broadcast(full, 113, MarketDataType.Tick);
    feed.poll(touch);
  },
});
Deno.bench({
  name: "broadcast a full block, poll, copy",
  group: "poll",
  fn: () => {
    out.broadcast(full, 113, MarketDataType.Tick);
    feed.poll(copyOut);
  },
});
Deno.bench({
  name: "loan, publish, receiveBlock, release",
  group: "poll",
  fn: () => {
    out.loan()?.publish(72, 1, MarketDataType.Tick);
    using block = feed.receiveBlock();
    sum += block?.sequence ?? 0;
  },
});
Deno.bench({ name: "poll an empty queue", group: "poll", fn: () => void feed.poll(touch) });
