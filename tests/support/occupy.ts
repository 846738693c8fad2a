// SPDX-License-Identifier: Apache-2.0
// The peer that takes up what iceoryx has a limited number of, or sends what a block is not (tests/peers/occupy.cpp).
import { assertEquals } from "@std/assert";
import { type Process, startProgram } from "./process.ts";

/** Starts the peer that takes up ports or chunks, and resolves when it has them. */
export async function occupy(...args: readonly string[]): Promise<Process> {
  const peer = startProgram("build/bin/peer_occupy", args);
  await peer.waitForLine("ready");
  return peer;
}

/** Lets the peer give back what it took; resolves to what that was. */
export async function vacate(
  peer: Process,
): Promise<{ publishers: number; subscribers: number; sent: number; loaned: number }> {
  peer.closeInput();
  const line = await peer.waitForLine("{");
  assertEquals(await peer.exited(), { code: 0, signal: null });
  return JSON.parse(line);
}
