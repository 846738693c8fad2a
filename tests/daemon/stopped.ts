// SPDX-License-Identifier: Apache-2.0
// stopped.ts <lane>
//
// A script that is to be stopped (SIGSTOP) for longer than RouDi's patience. It holds a loan, a block and records, waits for a
// line on stdin and for its connection, and says in one line of JSON what each call then does and whether a new runtime works.
import process from "node:process";
import {
  BroadcastConfig,
  DataBroadcaster,
  DataSubscriber,
  type LaneChoice,
  MarketDataType,
  Runtime,
  Tick,
} from "../../mod.ts";

const TICK = { timestampNs: 1n, last: 1, bid: 1, ask: 1, volume: 1n, symbol: "QAUL" };
const config = new BroadcastConfig({ lane: process.argv[2] as LaneChoice, flushAfterMs: 60_000 });
const { Unknown } = MarketDataType;

/** What a call gives: its result, or its error's code. */
function outcome(call: () => unknown): unknown {
  try {
    const result = call();
    return result === undefined ? "ok" : result;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

const runtime = Runtime.open();
const out = new DataBroadcaster(config, "stopped", { runtime });
const feed = new DataSubscriber(config, "stopped", { runtime });
// A ring has one block being written at a time.
for (let value = 0; value < 3; value++) out.broadcast(Uint8Array.of(value), 1, Unknown);
const loan = out.loan()!;
loan.data[0] = 3;
const block = feed.receiveBlock()!;
out.writer(Tick).write(TICK);
console.log("ready");
process.stdin.resume();
await new Promise((resolve) => process.stdin.once("data", resolve));
// The connection is made anew by itself, and everything that was open with it.
while (runtime.state !== "attached" || out.getSubscriberCount() === 0) {
  await new Promise((resolve) => setTimeout(resolve, 5));
}

const said = {
  state: runtime.state,
  data: outcome(() => block.data.length),
  intact: outcome(() => block.intact),
  publish: outcome(() => loan.publish(1, 1, Unknown)),
  broadcast: outcome(() => out.broadcast(Uint8Array.of(4), 1, Unknown)),
  loan: outcome(() => out.loan()?.discard()),
  receive: outcome(() => feed.receive()?.[0]),
  hasData: outcome(() => feed.hasData()),
  wait: outcome(() => feed.waitSync(1)),
  broadcaster: outcome(() => new DataBroadcaster(config, "new", { runtime })),
  subscriber: outcome(() => new DataSubscriber(config, "new", { runtime })),
  streams: outcome(() => runtime.streams().length),
  release: outcome(() => block.release()),
  close: outcome(() => runtime.close()),
  closedState: runtime.state,
  again: outcome(() => {
    using next = Runtime.open();
    using sender = new DataBroadcaster(config, "again", { runtime: next });
    using reader = new DataSubscriber(config, "again", { runtime: next });
    sender.broadcast(Uint8Array.of(5), 1, Unknown);
    return reader.receive()?.[0];
  }),
};
console.log(JSON.stringify(said));
process.exit(0);
