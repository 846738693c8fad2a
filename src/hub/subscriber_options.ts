// SPDX-License-Identifier: Apache-2.0
import { ArgumentError } from "../errors.ts";
import type { BroadcastConfig } from "./broadcast_config.ts";
import type { DataSubscriberOptions } from "./data_subscriber.ts";

/** The configuration with what the options say instead. */
export function inForce(config: BroadcastConfig, options: DataSubscriberOptions): BroadcastConfig {
  const { lane = config.lane, read = config.read, history = config.history, wait = config.wait } = options;
  const isSame = lane === config.lane && read === config.read && history === config.history && wait === config.wait;
  return isSame ? config : config.with({ lane, read, history, wait });
}

/** Whether the options ask to read a lossless ring without making its broadcaster wait. */
export function observeOf(action: string, { observe = false }: DataSubscriberOptions): boolean {
  if (typeof observe === "boolean") return observe;
  throw new ArgumentError(action, { value: observe, condition: "observe must be true or false" });
}
