// SPDX-License-Identifier: Apache-2.0
import { setInterval } from "node:timers";
import type { Transport } from "../transport/transport.ts";
import type { RuntimeState } from "./runtime_state.ts";

/** How often a Worker looks at its connection. */
const LOOK_MS = 100;

/** Tells of changes of a connection, in the event loop and without keeping it alive. */
export class ConnectionWatch {
  readonly #transport: Transport;
  readonly #onRenewal: () => void;
  readonly #onState: (state: RuntimeState) => void;
  readonly #timer: NodeJS.Timeout;
  #generation: number;
  #state: RuntimeState;

  /**
   * @param onRenewal The process has attached anew; called again at each look until all is made anew.
   * @param onState The state is another; a short absence between two looks is told of, too.
   */
  constructor(transport: Transport, onRenewal: () => void, onState: (state: RuntimeState) => void) {
    this.#transport = transport;
    this.#onRenewal = onRenewal;
    this.#onState = onState;
    this.#state = transport.state;
    this.#generation = transport.generation;
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { state } = this.#transport;
    // It is that of the state just asked for.
    const { generation } = this.#transport;
    if (state === "closed") return;
    if (generation !== this.#generation) {
      this.#generation = generation;
      this.#tell("detached");
    }
    // At each look: what could not be made anew before may be possible now.
    if (state === "attached") this.#onRenewal();
    this.#tell(state);
  }

  #tell(state: RuntimeState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#onState(state);
  }
}
