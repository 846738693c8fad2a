// SPDX-License-Identifier: Apache-2.0
import { Window } from "../block/window.ts";
import type { Transport } from "../transport/transport.ts";

/** The windows of one runtime, each with its views made once. */
export class WindowTable {
  readonly #transport: Transport;
  /** By window id; ids are small and few. */
  #windows: (Window | undefined)[] = [];

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The window with this id, mapped at its first use. */
  get(id: number): Window {
    return this.#windows[id] ?? this.#map(id);
  }

  /** Makes all views empty, before their memory goes: a view that a user kept would read somebody else's blocks. */
  detach(): void {
    for (const window of this.#windows) window?.detach();
    this.#windows = [];
  }

  #map(id: number): Window {
    const { buffer, writable } = this.#transport.mapWindow(id);
    const window = new Window(buffer, writable);
    this.#windows[id] = window;
    return window;
  }
}
