// SPDX-License-Identifier: Apache-2.0
import type { RuntimeResource } from "./runtime.ts";

interface Leftover {
  readonly kind: string;
  readonly stream: string;
  readonly resource: RuntimeResource;
}

/**
 * Closes what a script lost without closing it, and says so once for each. A collector may come late or never, so this is a
 * backstop against leaks and no way to close.
 */
const registry: FinalizationRegistry<Leftover> = new FinalizationRegistry(({ kind, stream, resource }) => {
  // A runtime that was closed has closed it properly.
  if (resource.closed) return;
  console.warn(`A ${kind} of stream ${JSON.stringify(stream)} was lost without close(); declare it with \`using\``);
  resource.close();
});

/**
 * Watches an object that a user has to close.
 *
 * @param owner The object.
 * @param kind Its class, for the warning.
 * @param stream Its stream, for the warning.
 * @param resource What to close in its place; it must not refer to the owner.
 */
export function watchForLoss(owner: object, kind: string, stream: string, resource: RuntimeResource): void {
  registry.register(owner, { kind, stream, resource }, owner);
}

/** The owner was closed. */
export function stopWatching(owner: object): void {
  registry.unregister(owner);
}
