// SPDX-License-Identifier: Apache-2.0
import type { Transport } from "../transport/transport.ts";
import type { BroadcastConfig } from "./broadcast_config.ts";

/** Carries out `cpuAffinity`, or throws why it cannot. */
export function place(config: BroadcastConfig, transport: Transport): void {
  if (config.cpuAffinity !== null) transport.pinThread(config.cpuAffinity);
}
