// SPDX-License-Identifier: Apache-2.0
//
// The answering side of `queue-tick`, `ring-tick` and their likes: copies out, copies into the answer, and sums up after it.
import { type Block, DataBroadcaster, DataSubscriber } from "../../mod.ts";
import { makeExchange, type Work } from "../support/exchange.ts";
import { benchConfig, benchRuntime } from "../support/stream.ts";
import { numberOption, report, sayReady, textOption, until } from "../support/worker.ts";

const rounds = numberOption("count") + numberOption("warmup");

using _runtime = benchRuntime();
const config = benchConfig();
using feed = new DataSubscriber(config, "ping");
using out = new DataBroadcaster(config, "pong");
sayReady();
await until(() => feed.hasData() || out.getSubscriberCount() > 0);

const exchange = makeExchange(textOption("work") as Work, numberOption("bytes"));
const { recordCount, type } = exchange;

function answer(): void {
  if (!out.broadcast(exchange.answer(), recordCount, type)) throw new Error("No room for an answer");
  exchange.check();
}

function take(block: Block): void {
  exchange.take(block);
  if (exchange.inHandler) answer();
}

function answerAll(count: number): void {
  for (let i = 0; i < count; i++) {
    while (feed.poll(take, 1) === 0);
    if (!exchange.inHandler) answer();
  }
}

answerAll(rounds);
report({ ok: exchange.faults === 0, checksum: exchange.takenSum >>> 0 });
// The last answer lies in memory of this process: stay until the other side has read it and is gone.
await until(() => out.getSubscriberCount() === 0);
