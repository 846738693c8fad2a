// SPDX-License-Identifier: Apache-2.0
//
// `open-ring`: the feed, two blocks every millisecond or so; on the stream "idle" nothing comes. It ends with its stdin.
import process from "node:process";
import { DataBroadcaster, MarketDataType, Runtime } from "../../mod.ts";
import { benchConfig } from "../support/stream.ts";
import { pause, report, sayReady, textOption } from "../support/worker.ts";

const BLOCKS_PER_PAUSE = 2;

let ended = false;
process.stdin.on("end", () => ended = true).resume();

using _runtime = Runtime.open();
const config = benchConfig();
using _idle = new DataBroadcaster(config, "idle");
using out = new DataBroadcaster(config, textOption("stream"));
const tick = new Uint8Array(72);
sayReady();
while (!ended) {
  await pause(1);
  for (let i = 0; i < BLOCKS_PER_PAUSE; i++) out.broadcast(tick, 1, MarketDataType.Tick);
}
report({ ok: true });
