// SPDX-License-Identifier: Apache-2.0
// echo.ts <stream> <wait strategy> waitSync | "for await"
//
// A second process that waits for blocks on a stream in the way named, and broadcasts one on "<stream>_back" for each. Says "ready"
// when it is subscribed. Ends after a block without data.
import process from "node:process";
import {
  type Block,
  BroadcastConfig,
  DataBroadcaster,
  DataSubscriber,
  MarketDataType,
  Runtime,
  type WaitStrategy,
} from "../../mod.ts";

const LONG_MS = 60_000;

const [stream, wait, way] = process.argv.slice(2);
const config = new BroadcastConfig({ lane: "ring", wait: wait as WaitStrategy });
using runtime = Runtime.open();
using feed = new DataSubscriber(config, stream!, { runtime });
using back = new DataBroadcaster(config, `${stream}_back`, { runtime });
let isOver = false;

function answer(block: Block): void {
  isOver = block.data.length === 0;
  back.broadcast(block.data, 1, MarketDataType.Unknown);
}

console.log("ready");
if (way === "waitSync") {
  while (!isOver && feed.waitSync(LONG_MS)) feed.poll(answer, 1);
} else {
  for await (const block of feed) {
    answer(block);
    if (isOver) break;
  }
}
