// SPDX-License-Identifier: Apache-2.0
/**
 * `attached`: connected. `detached`: the daemon is gone, or on iceoryx2 the root was removed; what is shared stays readable. `closed`: by
 * this script.
 */
export type RuntimeState = "attached" | "detached" | "closed";

/** The `statechange` event of a {@linkcode Runtime}. */
export class RuntimeStateEvent extends Event {
  /** The state that the runtime has changed to; `runtime.state` may be another by now. */
  readonly state: RuntimeState;

  /**
   * Says which state it is now.
   *
   * @param state The state that the runtime has changed to.
   */
  constructor(state: RuntimeState) {
    super("statechange");
    this.state = state;
  }
}
