// SPDX-License-Identifier: Apache-2.0
// A second process for the tests of the runtime: opens one with the options in its first argument (JSON), exchanges a block
// with itself, says in one line of JSON what became of it, and holds the runtime until its stdin ends.
import process from "node:process";
import {
  BroadcastConfig,
  DataBroadcaster,
  DataSubscriber,
  IpcError,
  MarketDataType,
  Runtime,
  type RuntimeOptions,
} from "../../mod.ts";

/** What the process says. */
export interface Opened {
  readonly name?: string;
  readonly state?: string;
  /** Whether a block went from a broadcaster to a subscriber. */
  readonly works?: boolean;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly value?: unknown;
    readonly limit?: number;
  };
}

function say(opened: Opened): void {
  console.log(JSON.stringify(opened));
}

if (import.meta.main) {
  try {
    using runtime = Runtime.open(JSON.parse(process.argv[2] ?? "{}") as RuntimeOptions);
    using out = new DataBroadcaster(new BroadcastConfig(), `opener-${process.pid}`, { runtime });
    using feed = new DataSubscriber(new BroadcastConfig(), `opener-${process.pid}`, { runtime });
    out.broadcast(Uint8Array.of(1, 2, 3), 1, MarketDataType.Unknown);
    say({ name: runtime.name, state: runtime.state, works: feed.receive()?.join() === "1,2,3" });
    process.stdin.resume();
    await new Promise((resolve) => process.stdin.once("end", resolve));
  } catch (error) {
    if (!(error instanceof IpcError)) throw error;
    const { code, message, value, limit } = error;
    say({ error: { code, message, value, ...(limit !== undefined && { limit }) } });
  }
}
