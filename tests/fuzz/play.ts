// SPDX-License-Identifier: Apache-2.0
// Plays one episode on this process's threads and judges it as a whole.
import { readdirSync } from "node:fs";
import { Worker as ThreadWorker } from "node:worker_threads";
import { BroadcastConfig, DataBroadcaster, DataSubscriber, MarketDataType, Runtime, type Stack } from "../../mod.ts";
import { waitFor, within } from "../support/wait.ts";
import { type Episode, settingOf } from "./episode.ts";
import { Part, type PartReport, type Step, STEPS } from "./part.ts";
import type { ReaderReport } from "./reader.ts";
import { Whereabouts } from "./whereabouts.ts";
import type { Order } from "./worker.ts";
import type { WriterReport } from "./writer.ts";

/** How long what is due may take. */
const DUE_MS = 120_000;
/** A part of RouDi's pool that is free again after each episode. */
const POOL_SAMPLE = 200;

/** What an episode came to. */
export interface Played {
  readonly calls: number;
  readonly errors: Readonly<Record<string, number>>;
  /** What was wrong, with the thread and the index of the call where it is known; null when nothing was. */
  readonly fault: { readonly text: string; readonly worker: number; readonly index: number } | null;
}

interface Thread {
  step(step: Step): Promise<PartReport>;
}

/** A Worker that plays parts, of one episode after the other. */
class PlayingWorker implements Thread {
  readonly #worker = new ThreadWorker(new URL("./worker.ts", import.meta.url));
  readonly #answers: unknown[] = [];
  #wake: (() => void) | undefined;

  constructor() {
    this.#worker.on("message", (message: unknown) => {
      this.#answers.push(message);
      this.#wake?.();
    });
    this.#worker.on("error", (error: Error) => {
      this.#answers.push({ error: `${error.stack}` });
      this.#wake?.();
    });
  }

  async order<T>(order: Order): Promise<T> {
    this.#worker.postMessage(order);
    while (this.#answers.length === 0) await new Promise<void>((resolve) => this.#wake = resolve);
    const answer = this.#answers.shift();
    if (typeof answer === "object" && answer !== null && "error" in answer) throw new Error(`${answer.error}`);
    return answer as T;
  }

  step(step: Step): Promise<PartReport> {
    return this.order({ step });
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}

const workers: PlayingWorker[] = [];

/** Ends the Workers that play. */
export async function endWorkers(): Promise<void> {
  for (const worker of workers.splice(0)) await worker.terminate();
}

/** Plays an episode from nothing to nothing. */
export async function play(episode: Episode): Promise<Played> {
  const setting = settingOf(episode);
  const host = setting.workers > 1 && setting.stack === "memory" ? Runtime.open({ stack: "memory" }) : undefined;
  const threads: Thread[] = [];
  const where = Whereabouts.memory(setting.workers);
  if (setting.workers === 1) threads.push(new Part(episode, 0, undefined, new Whereabouts(where, 0)));
  else {
    while (workers.length < setting.workers) workers.push(new PlayingWorker());
    for (const [index, worker] of workers.slice(0, setting.workers).entries()) {
      await worker.order({ episode, worker: index, handle: host?.handle, where });
      threads.push(worker);
    }
  }
  let reports: PartReport[] = [];
  const all = async (step: Step): Promise<boolean> => {
    const taken = Promise.all(threads.map((thread) => thread.step(step)));
    reports = await within(taken, due(step)).catch((cause) => {
      const places = threads.map((_, thread) => `thread ${thread} at ${new Whereabouts(where, thread)}`);
      throw new Error(`a thread does not come back from ${step}: ${places.join(", ")}`, { cause });
    });
    return reports.every(({ fault }) => fault === null);
  };
  let fault = "";
  try {
    for (const step of STEPS) {
      if (!await all(step)) break;
      if (step === "settle") {
        await waitFor(async () => reports.every(({ pending }) => pending === 0) || !await all(step), due("a flush"));
      } else if (step === "drain") {
        fault = soundness(reports);
        if (fault !== "") break;
        await waitFor(async () => late(reports) === "" || !await all(step), due("the last blocks")).catch((error) => {
          throw new Error(late(reports), { cause: error });
        });
        fault = soundness(reports);
        if (fault !== "") break;
      }
      if (reports.some((report) => report.fault !== null)) break;
    }
    const isWhole = fault === "" && reports.every((report) => report.fault === null);
    if (isWhole) await nothingLeft(setting.stack === "memory" ? host : undefined, setting.stack);
  } catch (error) {
    fault ||= `${(error as Error).message}`;
  }
  host?.close();
  const errors: Record<string, number> = {};
  for (const report of reports) {
    for (const [code, count] of Object.entries(report.errors)) errors[code] = (errors[code] ?? 0) + count;
  }
  const worker = reports.findIndex((report) => report.fault !== null);
  const own = reports[worker]?.fault;
  return {
    calls: reports.reduce((sum, { calls }) => sum + calls, 0),
    errors,
    fault: own ? { ...own, worker } : fault === "" ? null : { text: fault, worker: -1, index: -1 },
  };
}

function due(what: string): { timeoutMs: number; what: string } {
  return { timeoutMs: DUE_MS, what };
}

/** Every block that anybody received was sent, and none is in two places. */
function soundness(reports: readonly PartReport[]): string {
  const writers = reports.flatMap(({ writers }) => writers);
  for (const reader of reports.flatMap(({ readers }) => readers)) {
    for (const [epoch, { first, last, blocks }] of reader.heard) {
      const writer = writers.find((one) => one.epoch === epoch && one.stream === reader.stream);
      // One that was closed and forgotten by its fuzzer.
      if (writer === undefined) continue;
      const isSent = first >= writer.first && last < writer.next && blocks <= last - first + 1;
      if (!isSent) return `${blocks} blocks from ${first} to ${last} came, of ${writer.first} to ${writer.next - 1}`;
    }
  }
  return "";
}

/** Which last block has not come yet where it must. */
function late(reports: readonly PartReport[]): string {
  const writers = reports.flatMap(({ writers }) => writers);
  for (const reader of reports.flatMap(({ readers }) => readers)) {
    for (const writer of writers) {
      if (mustRead(reader, writer) && lastOf(reader, writer) !== writer.next - 1) {
        return `the last block ${writer.next - 1} of ${writer.epoch} on ${writer.stream} has not come, only ${
          lastOf(reader, writer)
        }`;
      }
    }
  }
  return "";
}

function mustRead(reader: ReaderReport, writer: WriterReport): boolean {
  return !reader.closed && !reader.refused && reader.lane !== "queue" && reader.stream === writer.stream &&
    !writer.closed && writer.ringed && writer.next > writer.first && writer.next <= Number.MAX_SAFE_INTEGER;
}

function lastOf(reader: ReaderReport, writer: WriterReport): number {
  return reader.heard.find(([epoch]) => epoch === writer.epoch)?.[1].last ?? -1;
}

/** After everybody has closed, there is nothing: no stream, no file, no chunk that is missing from the pool. */
async function nothingLeft(host: Runtime | undefined, stack: Stack): Promise<void> {
  if (stack === "memory") {
    if (host === undefined) return;
    await waitFor(() => host.streams().length === 0, due("the end of all streams"));
    return;
  }
  // iceoryx2 has no daemon that keeps anything.
  const isLeft = (name: string): boolean =>
    name.startsWith("qaultra-") || (stack === "iceoryx2" && name.startsWith("iox2_"));
  await waitFor(() => !readdirSync("/dev/shm").some(isLeft), due("the end of all segments"));
  using runtime = Runtime.open({ stack, timeoutMs: 60_000 });
  await waitFor(() => runtime.streams().length === 0, due("the end of all streams"));
  const config = new BroadcastConfig({ lane: "queue", queueCapacity: 256 });
  using out = new DataBroadcaster(config, "pool", { runtime });
  using feed = new DataSubscriber(config, "pool", { runtime });
  const data = new Uint8Array(8);
  for (let sent = 0; sent < POOL_SAMPLE; sent++) {
    if (!out.broadcast(data, 1, MarketDataType.Unknown)) throw new Error(`the pool has only ${sent} chunks left`);
  }
  const got = feed.poll(() => {}, POOL_SAMPLE);
  if (got !== POOL_SAMPLE) throw new Error(`${got} of ${POOL_SAMPLE} blocks came after the episode`);
}
