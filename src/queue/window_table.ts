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

  /** Lets the windows of connections that are over go: views of them that a user kept become empty. */
  retire(): void {
    this.#transport.retireWindows();
    this.#windows.forEach((window, id) => {
      if (window === undefined || !(window.bytes.buffer as ArrayBuffer).detached) return;
      window.detach();
      delete this.#windows[id];
    });
  }

  #map(id: number): Window {
    const { buffer, writable } = this.#transport.mapWindow(id);
    const window = new Window(buffer, writable);
    this.#windows[id] = window;
    return window;
  }
}
