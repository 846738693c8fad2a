// SPDX-License-Identifier: Apache-2.0
import type { Transport } from "../transport/transport.ts";
import type { RuntimeResource } from "./runtime.ts";

interface Leftover {
  readonly kind: string;
  readonly stream: string;
  readonly resource: RuntimeResource;
  readonly transport: Transport;
}

/**
 * Closes what a script lost without closing it, and says so once for each. A collector may come late or never, so this is a
 * backstop against leaks and no way to close.
 */
const registry: FinalizationRegistry<Leftover> = new FinalizationRegistry((leftover) => {
  const { kind, stream, resource, transport } = leftover;
  // A runtime that was closed has closed it properly, and so has the end of the process, which a Worker may live to see.
  if (resource.closed || transport.state === "closed") return;
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
 * @param transport Its connection.
 */
export function watchForLoss(
  owner: object,
  kind: string,
  stream: string,
  resource: RuntimeResource,
  transport: Transport,
): void {
  registry.register(owner, { kind, stream, resource, transport }, owner);
}

/** The owner was closed. */
export function stopWatching(owner: object): void {
  registry.unregister(owner);
}
