// SPDX-License-Identifier: Apache-2.0
import { SubscriberLimitError } from "../errors.ts";

/** How many subscribers of each stream a Worker has on one runtime. */
export class SubscriberCounts {
  readonly #counts = new Map<string, number>();

  /** Throws when there are as many as there may be. */
  require(action: string, service: string, stream: string, limit: number): void {
    if (this.#of(service, stream) < limit) return;
    throw new SubscriberLimitError(action, { value: limit + 1, limit });
  }

  /** One more; returns how to take it back. */
  enter(service: string, stream: string): () => void {
    this.#counts.set(key(service, stream), this.#of(service, stream) + 1);
    return () => {
      const left = this.#of(service, stream) - 1;
      if (left > 0) this.#counts.set(key(service, stream), left);
      else this.#counts.delete(key(service, stream));
    };
  }

  #of(service: string, stream: string): number {
    return this.#counts.get(key(service, stream)) ?? 0;
  }
}

/** A name has no control character. */
function key(service: string, stream: string): string {
  return `${service}\n${stream}`;
}
