// SPDX-License-Identifier: Apache-2.0
// Starts the Worker of the tests, as a Web Worker or as one of node:worker_threads; both exist in both runtimes.
import { Worker as ThreadWorker } from "node:worker_threads";
import { waitFor } from "../support/wait.ts";
import type { Task } from "./worker.ts";

/** The two kinds of Workers. */
export const WORKER_KINDS = ["Web Worker", "worker_threads"] as const;
export type WorkerKind = (typeof WORKER_KINDS)[number];

const URL_OF_WORKER = new URL("./worker.ts", import.meta.url);

/** A running Worker. Disposing it ends it. */
export class TestWorker {
  readonly #worker: Worker | ThreadWorker;
  readonly #messages: unknown[] = [];
  #next = 0;

  constructor(kind: WorkerKind, task: Task) {
    if (kind === "Web Worker") {
      const worker = new Worker(URL_OF_WORKER, { type: "module" });
      worker.addEventListener("message", (event: MessageEvent) => void this.#messages.push(event.data));
      worker.addEventListener("error", (event: ErrorEvent) => {
        event.preventDefault();
        this.#messages.push({ error: event.message });
      });
      this.#worker = worker;
    } else {
      const worker = new ThreadWorker(URL_OF_WORKER);
      worker.on("message", (message: unknown) => void this.#messages.push(message));
      worker.on("error", (error: Error) => void this.#messages.push({ error: error.message }));
      this.#worker = worker;
    }
    this.post(task);
  }

  post(message: Task | "end"): void {
    this.#worker.postMessage(message);
  }

  /** The next message of the Worker. */
  async message<T>(): Promise<T> {
    await waitFor(() => this.#next < this.#messages.length, { what: "a message of the Worker" });
    return this.#messages[this.#next++] as T;
  }

  /** Ends the Worker from outside. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate();
  }
}
