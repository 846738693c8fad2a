// SPDX-License-Identifier: Apache-2.0
// starter.ts <stream> <count>
//
// A second process that is to be killed while it makes broadcasters, one after another. Says the epoch of each in a line, "done"
// when all are made, and holds them until its input ends.
import process from "node:process";
import { BroadcastConfig, DataBroadcaster, Runtime } from "../../mod.ts";
import { epochOf } from "./epoch.ts";

const [stream, count] = process.argv.slice(2);
const config = new BroadcastConfig({ bufferDepth: 16 });
using _runtime = Runtime.open();
const outs: DataBroadcaster[] = [];
while (outs.length < Number(count)) {
  const out = new DataBroadcaster(config, `${stream}_${outs.length}`);
  outs.push(out);
  console.log(epochOf(out));
}
console.log("done");
process.stdin.resume();
await new Promise((resolve) => process.stdin.once("end", resolve));
for (const out of outs) out.close();
