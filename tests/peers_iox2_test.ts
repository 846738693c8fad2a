// SPDX-License-Identifier: Apache-2.0
// Rust and Python processes over iceoryx2's own APIs. Both sides compute what each block has to contain from its sequence, so every
// field of every block is checked.
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { newStream } from "./support/peers.ts";
import { LANGUAGES, lead, startIox2Publisher, startIox2Subscriber } from "./support/peers_iox2.ts";

const KINDS = ["ticks", "full"] as const;

for (const [from, to] of [LANGUAGES, LANGUAGES.toReversed()] as const) {
  for (const kind of KINDS) {
    test(`what ${from} publishes of ${kind} ${to} receives: the peers agree about the block`, async () => {
      const count = 10_000;
      const args = ["--pattern", kind, "--count", `${count}`];
      const stream = newStream();
      await using subscriber = startIox2Subscriber(to!, stream, "--expect", "native", ...args);
      await using publisher = startIox2Publisher(from!, stream, ...args);
      const [{ published, checksum }, received] = await lead(publisher, subscriber, count);
      const wanted = { received: count, missed: 0, bad: 0, backwards: 0, first: 0, last: count - 1, publishers: 1 };
      assertEquals([published, received], [count, { ...wanted, checksum }], subscriber.report());
    });
  }
}
