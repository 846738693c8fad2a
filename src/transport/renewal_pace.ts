// SPDX-License-Identifier: Apache-2.0
import type { Transport } from "./transport.ts";

/** How often a port that was lost is asked for again, by whoever is busy with it. */
const RETRY_MS = 50;

/** When ports are to be made again: at once in a new generation of the connection, and after a failure now and then. */
export class RenewalPace {
  readonly #transport: Transport;
  #generation: number;
  #triedAt = -Infinity;

  constructor(transport: Transport) {
    void transport.state;
    this.#transport = transport;
    this.#generation = transport.generation;
  }

  /**
   * Whether to try now. Costs nothing while all is well.
   *
   * @param isLost Whether there is no port, or one that is known to be gone.
   */
  isDue(isLost: boolean): boolean {
    const transport = this.#transport;
    if (!isLost && transport.generation === this.#generation) return false;
    const now = performance.now();
    if (now - this.#triedAt < RETRY_MS) return false;
    this.#triedAt = now;
    if (transport.state !== "attached") return false;
    this.#generation = transport.generation;
    return true;
  }
}
