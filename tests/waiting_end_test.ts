// SPDX-License-Identifier: Apache-2.0
// How loops end, and what is left of them.
import { after, before, test } from "node:test";
import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { DataBroadcaster, DataSubscriber, Runtime } from "../mod.ts";
import { startScript } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";
import { within } from "./support/wait.ts";
import { config, LANES, newStream, send, settle, STRATEGIES } from "./waiting/tools.ts";

const ALL_ENDS = ["break", "return", "throw", "abort", "close", "runtime"] as const;

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

for (const lane of LANES) {
  for (const wait of STRATEGIES) {
    test(`${lane}: for await with ${wait} is ended by break, return, throw, abort, close and the runtime's end, busy or idle`, async () => {
      for (const busy of [true, false]) {
        for (const end of ALL_ENDS) {
          using runtime = Runtime.open();
          const stream = newStream();
          using out = new DataBroadcaster(config(lane), stream, { runtime });
          using feed = new DataSubscriber(config(lane, wait), stream, { runtime });
          const abort = new AbortController();
          const blocks = feed.blocks({ signal: abort.signal });
          const act = (): void => {
            if (end === "abort") abort.abort();
            else if (end === "close") feed.close();
            else if (end === "runtime") runtime.close();
            else if (end === "return") void blocks.return!();
            else if (end === "throw") throw new Error("of the body");
          };
          let seen = 0;
          const loop = (async () => {
            for await (const _ of blocks) {
              seen++;
              if (!busy) continue;
              send(out);
              if (seen < 200) continue;
              act();
              if (end === "break") break;
            }
          })();
          const title = `${busy ? "busy" : "idle"} ${end}`;
          if (busy) {
            send(out);
          } else {
            await settle();
            // Within an idle loop there is no body to break from or to throw in.
            if (end === "break" || end === "throw") abort.abort();
            else act();
          }
          const error = await within(loop, { what: `the end of a loop by ${title}` }).then(
            () => "",
            (error) => error.message,
          );
          assertEquals(error, busy && end === "throw" ? "of the body" : "", title);
          assertEquals(seen, busy ? 200 : 0, title);
          assertEquals(await blocks.next(), { done: true, value: undefined });
          if (end === "close" || end === "runtime") continue;
          // The subscriber is as good as before: nothing was lost to the loop that ended.
          if (!busy) send(out);
          assertEquals(feed.poll(() => {}), 1, title);
          const again = feed.blocks();
          const next = again.next();
          await settle();
          send(out);
          assertEquals((await within(next)).value!.sequence, busy ? 201 : 1, title);
          await again.return!();
        }
      }
    });
  }

  test(`${lane}: for await with a signal that was aborted before yields nothing, though there are blocks`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    using out = new DataBroadcaster(config(lane), stream, { runtime });
    using feed = new DataSubscriber(config(lane), stream, { runtime });
    send(out);
    for await (const block of feed.blocks({ signal: AbortSignal.abort() })) assertEquals(block, undefined);
    assertEquals(feed.hasData(), true);
  });

  test(`${lane}: for await is ended by the timeout of its signal`, async () => {
    using runtime = Runtime.open();
    using feed = new DataSubscriber(config(lane), newStream(), { runtime });
    const began = performance.now();
    const loop = (async () => {
      for await (const _ of feed.blocks({ signal: AbortSignal.timeout(30) }));
    })();
    await within(loop);
    assertGreaterOrEqual(performance.now() - began, 25);
  });

  for (const runtime of ["deno", "bun"] as const) {
    for (const way of ["close", "abort", "return", "runtime"]) {
      test(`${lane}: a parked loop keeps a ${runtime} process alive, and one that ended by ${way} lets it end`, async () => {
        await using script = startScript("tests/waiting/alive.ts", [lane, newStream(), way], { runtime });
        const exit = await script.exited();
        assertEquals([exit.code, script.lines], [0, ["alive", "ended"]], script.report());
      });
    }
  }
}
