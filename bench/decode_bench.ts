// SPDX-License-Identifier: Apache-2.0
//
// `deno bench --allow-ffi bench/decode_bench.ts`: reading the ticks of one block in place, against plain doubles.
import { BroadcastConfig, DataBroadcaster, DataSubscriber, Runtime } from "../mod.ts";
import { doublesLikeTicks, holdBlockOfTicks, touchDoubles, touchTicks, touchTicksByIndex } from "./support/decoding.ts";

Runtime.open({ roudi: "spawn" });
const config = BroadcastConfig.lowLatency().with({ serviceName: "Bench", lane: "queue" });
const feed = new DataSubscriber(config, "decode");
const out = new DataBroadcaster(config, "decode");
const block = holdBlockOfTicks(out, feed);
const doubles = doublesLikeTicks();
// A block lives as long as its subscriber, which nothing below names.
globalThis.addEventListener("unload", () => {
  feed.close();
  out.close();
});

Deno.bench({ name: "113 ticks, for...of", group: "decode", fn: () => void touchTicks(block) });
Deno.bench({ name: "113 ticks, records.at(i)", group: "decode", fn: () => void touchTicksByIndex(block) });
Deno.bench({ name: "six of each nine doubles", group: "decode", baseline: true, fn: () => void touchDoubles(doubles) });
