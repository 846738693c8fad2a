// SPDX-License-Identifier: Apache-2.0
// The relay of `./x soak relay`: from iceoryx to iceoryx2. Prints "ready", a line of figures for each line on its stdin, and ends with it.
import process from "node:process";
import { createInterface } from "node:readline";
import { BroadcastConfig, Relay, Runtime } from "../../mod.ts";

/** What it has done so far. */
export interface RelaySoakReport {
  readonly relayedBlocks: number;
  readonly missedBlocks: number;
  readonly refusedBlocks: number;
  /** Errors of opening, which are tried again. */
  readonly failures: number;
  /** CPU time of the process so far. */
  readonly cpuMs: number;
  /** Its resident memory. */
  readonly residentBytes: number;
}

const [stream] = process.argv.slice(2);
using iceoryx = Runtime.open();
using iceoryx2 = Runtime.open({ stack: "iceoryx2" });
// The publisher waits for the relay. iceoryx2 waits for nobody, so the reader there has a buffer for its longest pause.
const read = new BroadcastConfig({ delivery: "lossless", wait: "backoff" });
using relay = new Relay(iceoryx, iceoryx2, { streams: [stream!], ways: "forth", read });

const end = new AbortController();
createInterface(process.stdin).on("line", () => {
  const { streams: [{ relayedBlocks, missedBlocks, refusedBlocks }], failures } = relay.getStats();
  const { user, system } = process.cpuUsage();
  const residentBytes = process.memoryUsage().rss;
  const report: RelaySoakReport = {
    ...{ relayedBlocks, missedBlocks, refusedBlocks, failures },
    ...{ cpuMs: (user + system) / 1000, residentBytes },
  };
  console.log(JSON.stringify(report));
}).on("close", () => end.abort());
console.log("ready");
await relay.run({ signal: end.signal });
