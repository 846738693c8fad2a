// SPDX-License-Identifier: Apache-2.0
// What the tests of the relay share.
import { type Relay, type RelayStreamStats, Runtime } from "../../mod.ts";
import { waitFor } from "../support/wait.ts";

/** Two runtimes of one process. */
export interface Worlds extends Disposable {
  readonly memory: Runtime;
  readonly iceoryx: Runtime;
}

/** Opens one of the memory stack and one of iceoryx, whose daemon runs. */
export function openWorlds(): Worlds {
  const memory = Runtime.open({ stack: "memory" });
  const iceoryx = Runtime.open();
  return {
    memory,
    iceoryx,
    [Symbol.dispose](): void {
      memory.close();
      iceoryx.close();
    },
  };
}

/** The only stream and direction in which something happened. */
export function statsOf(relay: Relay, way: "forth" | "back" = "forth"): RelayStreamStats {
  return relay.getStats().streams.find((stream) => stream.way === way)!;
}

/** Polls until the condition holds, and lets the event loop turn between. */
export async function relayUntil(relay: Relay, condition: () => boolean, what: string): Promise<void> {
  await waitFor(() => {
    while (relay.poll() > 0);
    return condition();
  }, { what });
}
