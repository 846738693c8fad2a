// SPDX-License-Identifier: Apache-2.0
// A script that is to outlive its RouDi: outlive.ts <idle | busy | stuck> <never | before | after>
//
// idle waits in the event loop, busy sends and reads with a turn of it now and then, stuck without any until RouDi is gone. The second
// word says when a listener of SIGTERM was added, before or after Runtime.open. It says "ready", answers each line on stdin with one of
// JSON, and ends in order with its stdin.
import process from "node:process";
import { createInterface } from "node:readline";
import { setImmediate } from "node:timers/promises";
import { BroadcastConfig, DataBroadcaster, DataSubscriber, MarketDataType, Runtime } from "../../mod.ts";
import { delay } from "../support/wait.ts";

const [load, when] = process.argv.slice(2);
const TURNS = 500;
const NOTICED_MS = 500;
let heard = 0;
let ended = false;
const listen = (): unknown => process.on("SIGTERM", () => heard++);

if (when === "before") listen();
const runtime = Runtime.open();
if (when === "after") {
  listen();
  // Until the library has noticed a new listener, within 50 ms on an idle machine, that one hears all.
  await delay(NOTICED_MS);
}
const stream = `outlive-${process.pid}`;
const config = new BroadcastConfig();
const out = new DataBroadcaster(config, stream, { runtime });
const feed = new DataSubscriber(config, stream, { runtime });
let got = 0;

function exchange(turns: number): void {
  for (let turn = 0; turn < turns; turn++) {
    out.broadcast(Uint8Array.of(turn), 1, MarketDataType.Unknown);
    feed.poll(() => void got++);
  }
}

const input = createInterface({ input: process.stdin });
input.on("line", () => {
  exchange(1);
  const { sentBlocks } = out.getStats();
  const { missedBlocks } = feed.getReceiveStats();
  console.log(JSON.stringify({ state: runtime.state, heard, isWhole: got + missedBlocks === sentBlocks, sentBlocks }));
});
input.on("close", () => ended = true);
exchange(1);
console.log("ready");
while (load === "stuck" && runtime.state === "attached") exchange(TURNS);
while (load !== "idle" && !ended) {
  exchange(TURNS);
  await setImmediate();
}
if (load === "idle") await new Promise<void>((done) => input.on("close", done));
runtime.close();
process.exit(0);
