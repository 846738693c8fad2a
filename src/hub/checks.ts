// SPDX-License-Identifier: Apache-2.0
// What the constructors of this folder check of their arguments before anything is opened.
import { ArgumentError, ConfigError } from "../errors.ts";
import { BroadcastConfig } from "./broadcast_config.ts";

/** Throws unless this is a configuration. */
export function requireConfig(action: string, config: unknown): void {
  if (config instanceof BroadcastConfig) return;
  throw new ArgumentError(action, { value: config, condition: "the configuration must be a BroadcastConfig" });
}

/** Throws unless these are options of the names that are known. */
export function requireOptions(action: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    throw new ArgumentError(action, { value: options, condition: "the options must be an object" });
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    throw new ConfigError(action, {
      value: key,
      condition: "there is no such option",
      remedy: `use one of ${known.join(", ")}`,
    });
  }
}
