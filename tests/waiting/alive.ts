// SPDX-License-Identifier: Apache-2.0
// alive.ts <lane> <stream> close | abort | return | runtime
//
// Parks a loop, which alone must keep this process alive until a timer that does not, ends the loop in the way named. Prints
// "alive" when the timer came and "ended" after the loop. Then nothing keeps the process alive, although `close` is not called
// after an abort or a return.
import process from "node:process";
import { BroadcastConfig, DataSubscriber, type LaneChoice, Runtime } from "../../mod.ts";

const [lane, stream, way] = process.argv.slice(2);
const runtime = Runtime.open();
const feed = new DataSubscriber(new BroadcastConfig({ lane: lane as LaneChoice }), stream!, { runtime });
const abort = new AbortController();
const blocks = feed.blocks({ signal: abort.signal });
setTimeout(() => {
  console.log("alive");
  if (way === "close") feed.close();
  else if (way === "abort") abort.abort();
  else if (way === "runtime") runtime.close();
  else void blocks.return!();
}, 150).unref();
for await (const block of blocks) console.log(`unexpected block ${block.sequence}`);
console.log("ended");
