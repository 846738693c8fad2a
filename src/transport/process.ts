// SPDX-License-Identifier: Apache-2.0
import { Native } from "../ffi/native.ts";

/** Disconnects this process from its stack at once, as at its end. */
export function disconnectProcess(): void {
  Native.load().symbols.qipc_process_exit();
}
