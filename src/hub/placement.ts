// SPDX-License-Identifier: Apache-2.0
import { pinThread } from "../transport/process.ts";
import type { Transport } from "../transport/transport.ts";
import type { BroadcastConfig } from "./broadcast_config.ts";

/** Carries out `cpuAffinity`, and for a broadcaster `numaAware`, or throws why it cannot. */
export function place(config: BroadcastConfig, memoryOf?: Transport): void {
  if (config.cpuAffinity !== null) pinThread(config.cpuAffinity);
  if (config.numaAware) memoryOf?.bindNuma();
}
