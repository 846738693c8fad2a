// SPDX-License-Identifier: Apache-2.0
// The Worker of an episode of several threads: takes the steps that it is told to.
import { parentPort } from "node:worker_threads";
import type { MemoryHandle } from "../../mod.ts";
import type { Episode } from "./episode.ts";
import { Part, type Step } from "./part.ts";
import { Whereabouts } from "./whereabouts.ts";

/** What a Worker is told. */
export type Order =
  | {
    readonly episode: Episode;
    readonly worker: number;
    readonly handle: MemoryHandle | undefined;
    readonly where: SharedArrayBuffer;
  }
  | { readonly step: Step };

interface Port {
  postMessage(message: unknown): void;
}
const port: Port = parentPort ?? (globalThis as unknown as Port);

let part: Part;
let orders: Promise<void> = Promise.resolve();

async function follow(order: Order): Promise<void> {
  if ("episode" in order) {
    part = new Part(order.episode, order.worker, order.handle, new Whereabouts(order.where, order.worker));
    port.postMessage("begun");
  } else port.postMessage(await part.step(order.step));
}

const onOrder = (order: Order): void => {
  orders = orders.then(() => follow(order)).catch((error) => port.postMessage({ error: `${(error as Error).stack}` }));
};
if (parentPort !== null) parentPort.on("message", onOrder);
else globalThis.addEventListener("message", (event) => onOrder((event as MessageEvent).data));
