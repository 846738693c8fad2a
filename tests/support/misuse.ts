// SPDX-License-Identifier: Apache-2.0
// What the tests of misuse ask of every error, and of the process after it.
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  BroadcastConfig,
  type BroadcastConfigFields,
  DataBroadcaster,
  DataSubscriber,
  ERROR_CODES,
  IpcError,
  type IpcErrorClass,
  MarketDataType,
  type Runtime,
} from "../../mod.ts";

/** Takes the types away, as a JavaScript caller would have it. */
// deno-lint-ignore no-explicit-any -- these tests pass what TypeScript refuses
export type Untyped = any;

/** What is no number. */
export const NO_NUMBERS: readonly Untyped[] = [undefined, null, "8", true, 8n, {}, [], [8], Symbol("8"), () => 8];
/** What is no integer from 0. */
export const NO_INTEGERS: readonly Untyped[] = [...NO_NUMBERS, NaN, Infinity, -Infinity, 1.5, -1];
/** What is no object. */
export const NO_OBJECTS: readonly Untyped[] = [null, 5, "options", true, Symbol("options")];

/** What an error must say. */
export interface Saying {
  /** The offending value, as the error's field. */
  readonly value?: unknown;
  /** The limit that it broke. */
  readonly limit?: number;
  /** Parts of the message. */
  readonly says?: readonly string[];
}

/** Checks an error: its class and code, that it says what was tried, and value, limit and remedy in the message. */
export function assertIpcError(error: unknown, expected: IpcErrorClass, saying: Saying = {}): IpcError {
  assert(error instanceof IpcError, `${error} is no IpcError`);
  const words = error.message;
  assertEquals(error.constructor, expected, `${error.name}: ${words}`);
  assertEquals(error.code, expected.code);
  assertEquals(ERROR_CODES[error.code], expected);
  assert(words.startsWith("Cannot "), words);
  assert(error.remedy !== "" && words.endsWith(`; ${error.remedy}`), words);
  if ("value" in saying) assertEquals(error.value, saying.value, words);
  if ("limit" in saying) {
    assertEquals(error.limit, saying.limit, words);
    assertStringIncludes(words, `limit ${saying.limit}`);
  }
  for (const part of saying.says ?? []) assertStringIncludes(words, part);
  return error;
}

/** Checks that a call throws, and what. */
export function assertMisuse(call: () => unknown, expected: IpcErrorClass, saying?: Saying): IpcError {
  return assertIpcError(assertThrows(call), expected, saying);
}

let exchanges = 0;

/** Proves that the process still works: a block goes from a new broadcaster to a new subscriber, every byte as it was sent. */
export function assertStillWorks(runtime: Runtime, fields: Partial<BroadcastConfigFields> = {}): void {
  const stream = `still-works-${exchanges++}`;
  const config = new BroadcastConfig(fields);
  using out = new DataBroadcaster(config, stream, { runtime });
  using feed = new DataSubscriber(config, stream, { runtime });
  assertStillFlows(out, feed);
}

/** The same for a broadcaster and a subscriber that are there. */
export function assertStillFlows(out: DataBroadcaster, feed: DataSubscriber): void {
  while (feed.receive() !== null);
  const sent = crypto.getRandomValues(new Uint8Array(8160));
  assertEquals(out.broadcast(sent, 1, MarketDataType.Unknown), true);
  assertEquals(feed.receive(), sent);
  assertEquals(feed.receive(), null);
}

/** A broadcaster and a subscriber of one stream, to be misused; disposing them proves that they still work. */
export interface Pair extends Disposable {
  readonly out: DataBroadcaster;
  readonly feed: DataSubscriber;
}

/** Makes a pair. */
export function makePair(runtime: Runtime, stream: string, fields: Partial<BroadcastConfigFields> = {}): Pair {
  const config = new BroadcastConfig(fields);
  const out = new DataBroadcaster(config, stream, { runtime });
  const feed = new DataSubscriber(config, stream, { runtime });
  return {
    out,
    feed,
    [Symbol.dispose](): void {
      assertStillFlows(out, feed);
      feed.close();
      out.close();
    },
  };
}
