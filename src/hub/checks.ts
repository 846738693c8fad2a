// SPDX-License-Identifier: Apache-2.0
// What the constructors of this folder check of their arguments before anything is opened.
import { ArgumentError, ConfigError } from "../errors.ts";
import { isConfig } from "./broadcast_config.ts";

const askAborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, "aborted")!.get!;

/** Throws unless this is a signal, and not only an object that looks like one. */
export function requireSignal(action: string, signal: unknown): void {
  try {
    askAborted.call(signal);
  } catch {
    throw new ArgumentError(action, { value: signal, condition: "the signal must be an AbortSignal" });
  }
}

/** Throws unless this is a configuration. */
export function requireConfig(action: string, config: unknown): void {
  if (isConfig(config)) return;
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
