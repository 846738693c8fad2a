// SPDX-License-Identifier: Apache-2.0
// silent_writer.ts <stream> <blocks>
//
// A second process that broadcasts so many blocks for each line of its stdin, and says which functions of the native library it called
// for them and how often, as one line of JSON.
import process from "node:process";
import { createInterface } from "node:readline";
import { BroadcastConfig, DataBroadcaster, MarketDataType, Runtime } from "../../mod.ts";
import { epochOf } from "./epoch.ts";
import { countCalls } from "./counted_calls.ts";

const [stream, blocks] = process.argv.slice(2);
const data = new Uint8Array(64);
const calls = countCalls();
using runtime = Runtime.open();
using out = new DataBroadcaster(new BroadcastConfig(), stream!, { runtime });
console.log(epochOf(out));
for await (const _ of createInterface({ input: process.stdin })) {
  for (const name of Object.keys(calls)) delete calls[name];
  for (let sent = 0; sent < Number(blocks); sent++) out.broadcast(data, 1, MarketDataType.Unknown);
  console.log(JSON.stringify(calls));
}
