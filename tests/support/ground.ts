// SPDX-License-Identifier: Apache-2.0
// What a test stands on that runs on every stack with a native library: a runtime, and the daemon that it needs, if any.
import { Runtime, type RuntimeOptions } from "../../mod.ts";
import { removeDeadRings, RouDi, type RouDiOptions } from "./roudi.ts";

/** The stacks that have a native library. */
export const NATIVE_STACKS = ["iceoryx", "iceoryx2"] as const;
export type NativeStack = (typeof NATIVE_STACKS)[number];

/** A runtime of one stack. */
export class Ground {
  readonly runtime: Runtime;
  readonly #options: RuntimeOptions;
  readonly #roudi: RouDi | null;

  private constructor(options: RuntimeOptions, roudi: RouDi | null) {
    this.#options = options;
    this.#roudi = roudi;
    this.runtime = this.open();
  }

  /**
   * Opens a runtime.
   *
   * @param stack The stack.
   * @param options Of the daemon, where there is one.
   */
  static async start(stack: NativeStack, options?: RouDiOptions): Promise<Ground> {
    return new Ground({ stack }, stack === "iceoryx" ? await RouDi.start(options) : null);
  }

  /** One more handle to the runtime. */
  open(): Runtime {
    return Runtime.open(this.#options);
  }

  async stop(): Promise<void> {
    this.runtime.close();
    await this.#roudi?.stop();
    removeDeadRings();
  }
}
