// SPDX-License-Identifier: Apache-2.0
// Starts Workers with subscribers of the memory stack.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { SubscriberOrder, SubscriberTask } from "./worker.ts";

/** A subscriber in a Worker of its own. Disposing it ends the Worker. */
export class WorkerSubscriber {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Starts one; throws the name of the error when it was refused. */
  static async start(task: SubscriberTask): Promise<WorkerSubscriber> {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: task });
    const [answer] = await once(worker, "message");
    if (answer === "ready") return new WorkerSubscriber(worker);
    await worker.terminate();
    throw new Error(answer as string);
  }

  /** Begins something, and resolves to what it tells. */
  async ask<T>(order: SubscriberOrder): Promise<T> {
    this.#worker.postMessage(order);
    const [answer] = await once(this.#worker, "message");
    return answer as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
