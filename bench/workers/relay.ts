// SPDX-License-Identifier: Apache-2.0
//
// The relay of `relay-latency` and `relay-throughput`: from iceoryx to iceoryx2, looking all the time.
import { BroadcastConfig, Relay, Runtime } from "../../mod.ts";
import { numberOption, report, sayReady, textOption, until } from "../support/worker.ts";

const warmup = numberOption("warmup");
const blocks = numberOption("count") + warmup;
const stream = textOption("stream");

using iceoryx = Runtime.open();
using iceoryx2 = Runtime.open({ stack: "iceoryx2" });
const delivery = numberOption("lossless") === 1 ? "lossless" : "lossy";
const read = new BroadcastConfig({
  serviceName: textOption("service"),
  delivery,
  lane: "queue",
  cpuAffinity: numberOption("cpu"),
});
using relay = new Relay(iceoryx, iceoryx2, { streams: [stream], ways: "forth", read });
sayReady();

let began = 0;
let moved = 0;
for (let looks = 0; moved < blocks; looks++) {
  moved += relay.poll(64);
  if (began === 0 && moved >= warmup) began = performance.now();
}
const seconds = (performance.now() - began) / 1000;
const [{ relayedBlocks, missedBlocks, refusedBlocks }] = relay.getStats().streams;
const blocksPerSecond = (relayedBlocks - warmup) / seconds;
report({ ok: missedBlocks === 0 && refusedBlocks === 0, relayedBlocks, missedBlocks, blocksPerSecond });
await until(() => iceoryx2.streams().every((info) => info.stream !== stream || info.subscribers === 0));
