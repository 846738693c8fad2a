// SPDX-License-Identifier: Apache-2.0
// Broadcasts on the lossless queue lane of the stream in its first argument as fast as it can, and answers each line of its input.
import process from "node:process";
import { setImmediate } from "node:timers";
import { BroadcastConfig, DataBroadcaster, MarketDataType, Runtime } from "../../mod.ts";

/** Attempts between two looks at the input. */
const BURST = 500;

using runtime = Runtime.open();
using out = new DataBroadcaster(new BroadcastConfig({ lane: "queue", delivery: "lossless" }), process.argv[2]!, {
  runtime,
});
let ended = false;
process.stdin.on("data", (text) => {
  for (let lines = `${text}`.split("\n").length - 1; lines > 0; lines--) {
    console.log(`sent ${out.getStats().sentBlocks}`);
  }
});
process.stdin.on("end", () => ended = true);
console.log("ready");
const data = new Uint8Array(8);
while (!ended) {
  for (let attempt = 0; attempt < BURST; attempt++) out.broadcast(data, 1, MarketDataType.Unknown);
  await new Promise((resolve) => setImmediate(resolve));
}
