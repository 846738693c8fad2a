// SPDX-License-Identifier: Apache-2.0
//
// Two versions of iceoryx2 under one root and prefix: what is the one's is refused to the other, by an error that says what to do, and
// stays whole.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  BroadcastConfig,
  DataBroadcaster,
  DataSubscriber,
  MarketDataType,
  Runtime,
  ServiceDamagedError,
} from "../../mod.ts";
import { assertMisuse } from "../support/misuse.ts";
import { newStream, type Received } from "../support/peers.ts";
import { lead, libraryOf, peersOf, type Version } from "../support/peers_iox2.ts";
import { waitFor } from "../support/wait.ts";

const QUEUE = new BroadcastConfig({ lane: "queue" });
const COUNT = 10_000;
const SAYS = { says: ["another version", "use one version of iceoryx2 under one root and prefix"] };

function refuseAll(runtime: Runtime, stream: string): void {
  assertMisuse(() => new DataSubscriber(QUEUE, stream, { runtime }), ServiceDamagedError, SAYS);
  assertMisuse(() => new DataBroadcaster(QUEUE, stream, { runtime }), ServiceDamagedError, SAYS);
  assertMisuse(() => runtime.heal("QAULTRA", stream), ServiceDamagedError);
}

/** Declares the tests of the library over one version in the world of processes of the other. */
export function testVersions(ours: Version, theirs: Version): void {
  const peers = peersOf(theirs);
  const open = (): Runtime => Runtime.open({ stack: "iceoryx2", libraryPath: libraryOf(ours) });

  test(`a stream of ${theirs} is refused by ${ours}, which neither ends nor disturbs its processes`, async () => {
    const stream = newStream();
    const args = ["--count", `${COUNT}`];
    await using publisher = peers.publisher("Rust", stream, ...args);
    await waitFor(() => publisher.lines.length > 0);
    {
      using runtime = open();
      refuseAll(runtime, stream);
    }
    // Who comes later finds the service as it was.
    await using subscriber = peers.subscriber("Rust", stream, "--expect", "native", ...args);
    await waitFor(() => subscriber.lines.length > 0);
    using runtime = open();
    const exchange = lead(publisher, subscriber, COUNT);
    // In the middle of their exchange; opening and closing a runtime clears away what is dead, and only that.
    await waitFor(() => subscriber.lines.length > 2);
    refuseAll(runtime, stream);
    const [published, received]: [unknown, Received] = await exchange;
    assert(published);
    assertEquals([received.received, received.missed, received.bad], [COUNT, 0, 0], subscriber.report());
    // Its name is free afterwards.
    using feed = new DataSubscriber(QUEUE, stream, { runtime });
    assertEquals(feed.hasData(), false);
  });

  test(`a stream of ${ours} is refused to a process of ${theirs}, and goes on`, async () => {
    const stream = newStream();
    using runtime = open();
    using out = new DataBroadcaster(QUEUE, stream, { runtime });
    using feed = new DataSubscriber(QUEUE, stream, { runtime });
    for (const start of [peers.publisher, peers.subscriber]) {
      await using peer = start("Rust", stream, "--count", "1");
      assertEquals(await peer.exited(), { code: 2, signal: null }, peer.report());
      out.broadcast(Uint8Array.of(1, 2, 3), 1, MarketDataType.Unknown);
      assertEquals(feed.receive(), Uint8Array.of(1, 2, 3));
    }
    using late = new DataSubscriber(QUEUE, stream, { runtime });
    out.broadcast(Uint8Array.of(4), 1, MarketDataType.Unknown);
    assertEquals([feed.receive(), late.receive()], [Uint8Array.of(4), Uint8Array.of(4)]);
  });
}
