// SPDX-License-Identifier: Apache-2.0
// The Worker of leave.ts: opens ports of its own, says so, and sleeps for data that never come.
import {
  BroadcastConfig,
  DataBroadcaster,
  DataSubscriber,
  type LaneChoice,
  MarketDataType,
  Runtime,
  type RuntimeOptions,
} from "../../mod.ts";

interface Task {
  readonly how: "sync" | "async";
  readonly stream: string;
  readonly lane: LaneChoice;
  readonly options: RuntimeOptions;
}
interface Scope {
  onmessage: ((event: MessageEvent<Task>) => void) | null;
  postMessage(message: string): void;
}
const scope = globalThis as unknown as Scope;
const kept: unknown[] = [];

scope.onmessage = async ({ data: { how, stream, lane, options } }) => {
  const runtime = Runtime.open(options);
  const config = new BroadcastConfig({ lane, wait: "park" });
  const out = new DataBroadcaster(config, `${stream}-worker`, { runtime });
  const feed = new DataSubscriber(config, `${stream}-worker`, { runtime });
  out.broadcast(Uint8Array.of(1), 1, MarketDataType.Unknown);
  kept.push(runtime, out, out.loan(), feed.receiveBlock());
  scope.postMessage("ready");
  if (how === "sync") feed.waitSync(Infinity);
  for await (const block of feed) kept.push(block);
};
