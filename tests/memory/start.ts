// SPDX-License-Identifier: Apache-2.0
// Starts the Worker of the memory stack's tests, as a Web Worker or as one of node:worker_threads.
import { Worker as ThreadWorker } from "node:worker_threads";
import { waitFor } from "../support/wait.ts";
import type { WorkerKind } from "../workers/start.ts";
import type { MemoryTask } from "./worker.ts";

const URL_OF_WORKER = new URL("./worker.ts", import.meta.url);

/** A running Worker, which does one task after the other. Disposing it ends it. */
export class MemoryWorker {
  readonly #worker: Worker | ThreadWorker;
  readonly #messages: unknown[] = [];
  #next = 0;

  constructor(kind: WorkerKind) {
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
  }

  /** Begins a task. */
  post(task: MemoryTask): void {
    this.#worker.postMessage(task);
  }

  /** The next message of the Worker. */
  async message<T>(): Promise<T> {
    await waitFor(() => this.#next < this.#messages.length, { what: "a message of the Worker" });
    return this.#messages[this.#next++] as T;
  }

  /** Does a task, and returns the next message. */
  async ask<T>(task: MemoryTask): Promise<T> {
    this.post(task);
    return await this.message<T>();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
