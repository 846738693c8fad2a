// SPDX-License-Identifier: Apache-2.0
// Relays streams between two stacks, both ways, for peers that know only the ports of their own.
//   deno run --allow-ffi --allow-read examples/relay.ts [stack] [other stack] [both|forth|back] [park|spin|backoff] [stream ...]
import process from "node:process";
import { BroadcastConfig, Relay, type RelayWay, Runtime, type Stack, type WaitStrategy } from "@qaultra/ipc";

const [first = "iceoryx", second = "iceoryx2", ways = "both", wait = "backoff", ...streams] = process.argv.slice(2);

function open(stack: string): Runtime {
  return Runtime.open(stack === "iceoryx" ? { roudi: "spawn" } : { stack: stack as Stack });
}

using one = open(first);
using other = open(second);
using relay = new Relay(one, other, {
  ...(streams.length > 0 && { streams }),
  ways: ways as RelayWay | "both",
  read: new BroadcastConfig({ wait: wait as WaitStrategy }),
});

const end = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => end.abort());
console.log(`relaying ${streams.join(" ") || "every stream"} between ${one.stack} and ${other.stack}`);
await relay.run({ signal: end.signal });
console.log(JSON.stringify(relay.getStats()));
