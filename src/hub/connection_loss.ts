// SPDX-License-Identifier: Apache-2.0
import { ClosedError, DaemonAbsentError, DaemonGoneError, DaemonHungError } from "../errors.ts";

/** Whether an error says that the stack took a port away, or cannot be asked: what happens to the daemon is no fault of a script. */
export function isConnectionLoss(error: unknown): boolean {
  return error instanceof DaemonGoneError || error instanceof DaemonAbsentError || error instanceof DaemonHungError ||
    error instanceof ClosedError;
}
