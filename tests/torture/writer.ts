// SPDX-License-Identifier: Apache-2.0
// writer.ts <JSON of a PeerDemand>
//
// Broadcasts without a pause, or at a rate, from when it is told "open", and logs each block (log.ts). Obeys "pause", "go" and "stats" with
// what it has sent, and "throw", "exit" and "hog" (takes memory until it dies). Ends in order when its input does.
import { BroadcastConfig, DataBroadcaster, MarketDataType } from "../../mod.ts";
import { epochOf } from "../ring/epoch.ts";
import { fillPayload, PAYLOAD_BYTES } from "../ring/payload.ts";
import { delay } from "../support/wait.ts";
import { Commands, demandOfThis, openRuntime, patiently, say, turn } from "./command.ts";
import type { WriterStats } from "./demand.ts";
import { mapLog } from "./log.ts";

/** How long it broadcasts between two turns of the event loop, and between two looks at the clock. */
const SLICE_MS = 4;
const SLICE_BLOCKS = 32;
/** How long it waits for readers that leave no room. */
const ROOM_MS = 4;

const demand = demandOfThis();
const { stream, config, rate = 0 } = demand;
let isPaused = false;
let stats: () => WriterStats = () => ({ sent: 0, refused: 0 });

const commands = new Commands((command) => {
  if (command === "pause" || command === "go") isPaused = command === "pause";
  say("stats", stats());
});
const log = mapLog(demand.log!);
await commands.opened;
if (!commands.isEnding) {
  const told: string[] = [];
  using runtime = await openRuntime(demand, told);
  using out = await patiently(() => new DataBroadcaster(new BroadcastConfig(config), stream, { runtime }));
  const data = new Uint8Array(PAYLOAD_BYTES);
  stats = () => {
    const { refusedBlocks: refused, droppedReaders: dropped } = out.getStats();
    return { sent: log[0]!, refused, dropped, state: runtime.state, told };
  };
  /** Broadcasts one block; false when there is no room. */
  const send = (): boolean => {
    const { nextSequence } = out;
    fillPayload(data, nextSequence);
    if (!out.broadcast(data, 1, MarketDataType.Unknown)) return false;
    log[0] = nextSequence + 1;
    return true;
  };
  say("open", { epoch: epochOf(out) });
  let began = performance.now();
  let due = 0;
  while (!commands.isEnding) {
    commands.turn();
    if (isPaused) {
      await delay(1);
      began = performance.now();
      due = 0;
    } else if (rate > 0) {
      for (; due < (performance.now() - began) / 1000 * rate; due++) send();
      await delay(1);
    } else {
      const end = performance.now() + SLICE_MS;
      do {
        for (let sent = 0; sent < SLICE_BLOCKS; sent++) if (!send()) out.waitForRoomSync(ROOM_MS);
      } while (performance.now() < end);
      await turn();
    }
  }
}
