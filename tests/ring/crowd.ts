// SPDX-License-Identifier: Apache-2.0
// crowd.ts <stream> <subscribers> <wait strategy>
//
// A second process with many subscribers of one stream, each with a loop. Says "got <n>" when all of them have had n blocks, and, when
// its input ends, how often it was woken and how often it parked, as one line of JSON.
import process from "node:process";
import { BroadcastConfig, DataSubscriber, Runtime, type WaitStrategy } from "../../mod.ts";
import { countCalls } from "./counted_calls.ts";

const [stream, subscribers, wait] = process.argv.slice(2);
const count = Number(subscribers);
const calls = countCalls();
using runtime = Runtime.open();
const config = new BroadcastConfig({ lane: "ring", wait: wait as WaitStrategy });
const feeds = Array.from({ length: count }, () => new DataSubscriber(config, stream!, { runtime }));
let got = 0;
const loops = feeds.map(async (feed) => {
  for await (const _ of feed) if (++got % count === 0) console.log(`got ${got / count}`);
});
console.log("ready");
process.stdin.resume();
await new Promise((resolve) => process.stdin.once("end", resolve));
for (const feed of feeds) feed.close();
await Promise.all(loops);
console.log(JSON.stringify({ wakes: calls.qipc_waiter_clear ?? 0, parks: calls.qipc_waiter_arm_ring ?? 0 }));
