// SPDX-License-Identifier: Apache-2.0
// The Worker of the memory stack's tests.
import { parentPort } from "node:worker_threads";
import { MemoryTransport } from "../../src/transport/memory_transport.ts";
import type { MemoryHandle } from "../../src/transport/memory_handle.ts";
import {
  RING_DATA,
  type RingFinder,
  type RingNews,
  type StreamName,
  type TransportRing,
} from "../../src/transport/transport.ts";
import { dataWord, epochOf, newRing, raiseFlag } from "./rings.ts";

/** What a Worker is asked to do. */
export type MemoryTask =
  /** Joins; tells its name. */
  | { readonly kind: "attach"; readonly handle: MemoryHandle }
  /** Makes a ring and announces it; tells its epoch as news. */
  | { readonly kind: "broadcast"; readonly name: StreamName }
  /** Looks for rings; tells that it does. */
  | { readonly kind: "find"; readonly name: StreamName }
  /** Parks until there is news, attaches; tells the news. */
  | { readonly kind: "take" }
  /** Tells how many rings it took that were there already. */
  | { readonly kind: "takeAll" }
  /** Waits at the data word of its ring in its thread; tells when it begins and when it was woken. */
  | { readonly kind: "wait" }
  /** Parks at the data word of its ring; tells when it begins and when it was woken. */
  | { readonly kind: "park" }
  /** Wakes the data word of its ring whenever its flag is up, so often; tells when it is done. */
  | { readonly kind: "wakeOften"; readonly count: number }
  /** Makes, fills and closes rings; tells in how many something else was found than was written there. */
  | { readonly kind: "churn"; readonly rounds: number; readonly seed: number }
  /** Closes what is named; tells that it did. */
  | { readonly kind: "close"; readonly what: "ring" | "finder" | "transport" };

interface Port {
  postMessage(message: unknown): void;
}
const port: Port = parentPort ?? (globalThis as unknown as Port);
const tell = (message: unknown): void => port.postMessage(message);

let transport: MemoryTransport;
let ring: TransportRing;
let finder: RingFinder;

function take(): RingNews | null {
  const news = finder.next();
  if (news !== null) ring = transport.attachRing(news.epochLow, news.epochHigh);
  return news;
}

async function wakeOften(count: number): Promise<void> {
  const word = dataWord(ring);
  for (let woken = 0; woken < count;) {
    if ((Atomics.load(word, 0) & 1) === 0) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      continue;
    }
    ring.wake(RING_DATA);
    woken++;
  }
  tell("done");
}

function churn(rounds: number, seed: number): void {
  let strange = 0;
  for (let round = 0; round < rounds; round++) {
    const own = newRing(transport, { service: "churn", stream: `of ${seed}` }, { capacity: 16 << (round % 3) });
    const words = new Int32Array(own.data.buffer, own.data.byteOffset + 4096, (own.data.byteLength - 4096) / 4);
    words.fill(seed);
    if (!words.every((word) => word === seed)) strange++;
    own.close();
  }
  tell({ strange });
}

async function perform(task: MemoryTask): Promise<void> {
  switch (task.kind) {
    case "attach":
      transport = MemoryTransport.attach(task.handle);
      return tell(transport.name);
    case "broadcast": {
      ring = newRing(transport, task.name);
      ring.announce({ low: 0, high: 0 });
      return tell(epochOf(ring));
    }
    case "find":
      finder = transport.findRings(task.name);
      return tell("looking");
    case "take":
      await new Promise<void>((resolve) => finder.park(resolve));
      return tell(take());
    case "takeAll": {
      let count = 0;
      while (take() !== null) count++;
      return tell(count);
    }
    case "wait": {
      const flagged = raiseFlag(ring);
      tell("waiting");
      ring.wait(RING_DATA, flagged, Infinity);
      return tell("woken");
    }
    case "park": {
      const flagged = raiseFlag(ring);
      await new Promise<void>((resolve) => {
        ring.park(RING_DATA, flagged, resolve);
        tell("parked");
      });
      return tell("woken");
    }
    case "wakeOften":
      return await wakeOften(task.count);
    case "churn":
      return churn(task.rounds, task.seed);
    case "close":
      ({ ring, finder, transport })[task.what].close();
      return tell("closed");
  }
}

const onTask = (task: MemoryTask): void => {
  perform(task).catch((error: unknown) => tell({ error: String(error) }));
};
if (parentPort !== null) parentPort.on("message", onTask);
else (globalThis as unknown as { onmessage: unknown }).onmessage = (event: MessageEvent) => onTask(event.data);
