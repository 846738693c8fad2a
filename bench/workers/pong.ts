// SPDX-License-Identifier: Apache-2.0
//
// The answering side of `queue-tick` and `queue-block`: copies out, copies into the answer, and sums up after it.
import { type Block, BroadcastConfig, DataBroadcaster, DataSubscriber, MarketDataType, Runtime } from "../../mod.ts";
import { Payload } from "../support/payload.ts";
import { numberOption, report, sayReady, until } from "../support/worker.ts";

const bytes = numberOption("bytes");
const rounds = numberOption("count") + numberOption("warmup");

using _runtime = Runtime.open();
const config = BroadcastConfig.lowLatency().with({ serviceName: "Bench", cpuAffinity: numberOption("cpu") });
using feed = new DataSubscriber(config, "ping");
using out = new DataBroadcaster(config, "pong");
sayReady();
await until(() => out.getSubscriberCount() > 0);

const payload = new Payload(bytes);
const received = payload.received;
let sum = 0;
let badLengths = 0;

function copyOut(block: Block): void {
  const data = block.data;
  if (data.length === bytes) received.set(data);
  else badLengths++;
}

function answer(count: number): void {
  for (let i = 0; i < count; i++) {
    while (feed.poll(copyOut, 1) === 0);
    if (!out.broadcast(received, payload.recordCount, MarketDataType.Tick)) throw new Error(`No room for answer ${i}`);
    sum = (sum + payload.sumReceived()) | 0;
  }
}

answer(rounds);
report({ ok: badLengths === 0, checksum: sum >>> 0 });
// The last answer lies in a chunk of this process: stay until the other side has read it and is gone.
await until(() => out.getSubscriberCount() === 0);
