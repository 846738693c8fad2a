// SPDX-License-Identifier: Apache-2.0
import { Native } from "../ffi/native.ts";

/** Disconnects this process from its stacks at once, as at its end. */
export function disconnectProcess(): void {
  for (const { symbols } of Native.loaded()) symbols.qipc_process_exit();
}
