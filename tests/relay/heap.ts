// SPDX-License-Identifier: Apache-2.0
// Relays to iceoryx and prints how many bytes that allocated for each block; started as the heap meter wants it.
import { BroadcastConfig, DataBroadcaster, DataSubscriber, MarketDataType, Relay, Runtime } from "../../mod.ts";
import { openHeapMeter } from "../../bench/support/heap.ts";

const ROUNDS = 20_000;
const WINDOWS = 4;
const BLOCKS = 16;

const meter = await openHeapMeter();
using first = Runtime.open({ stack: "memory" });
using second = Runtime.open();
using relay = new Relay(first, second, { streams: ["heap"], ways: "forth", lookIntervalMs: 60_000 });
using out = new DataBroadcaster(new BroadcastConfig(), "heap", { runtime: first });
using feed = new DataSubscriber(new BroadcastConfig({ lane: "queue" }), "heap", { runtime: second });
while (feed.state !== "live") await new Promise((resolve) => setTimeout(resolve, 1));
const data = new Uint8Array(8160);
// Lengths of every kind, and some without room for a trailer.
const lengths = [8, 72, 600, 1500, 3000, 5000, 8136, 8160].map((length) => data.subarray(0, length));
let received = 0;
const handler = (): void => void received++;

function run(rounds: number): void {
  for (let round = 0; round < rounds; round++) {
    // The same views each time, so that nothing of this loop is allocated.
    for (let index = 0; index < BLOCKS; index++) {
      out.broadcast(lengths[index % lengths.length]!, 1, MarketDataType.Unknown);
    }
    relay.poll(BLOCKS);
    feed.poll(handler, BLOCKS);
  }
}

run(ROUNDS);
// An engine may still compile in the first of these, and what it allocates for that counts too.
let bytes = Infinity;
for (let window = 0; window < WINDOWS; window++) {
  meter.collect();
  const before = meter.read();
  run(ROUNDS);
  bytes = Math.min(bytes, (meter.read() - before) / (ROUNDS * BLOCKS));
}
console.log(JSON.stringify({ bytes, received, relayed: relay.getStats().streams[0]!.relayedBlocks }));
