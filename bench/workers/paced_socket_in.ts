// SPDX-License-Identifier: Apache-2.0
//
// What `ring-paced` is compared with, receiving side: the server, whose data event reads the clock first.
import { createServer } from "node:net";
import { sharedClock } from "../support/clock.ts";
import { Histogram } from "../support/histogram.ts";
import { PACED_BYTES } from "../support/paced.ts";
import { numberOption, report, sayReady, textOption } from "../support/worker.ts";

const warmup = numberOption("warmup");
const blocks = numberOption("count") + warmup;
const now = sharedClock(numberOption("base-ms"));

const lateness = new Histogram();
let received = 0;
let faults = 0;

function handle(message: DataView, at: number): void {
  if (message.getFloat64(0, true) !== received) faults++;
  if (received >= warmup) lateness.add(at - message.getFloat64(8, true));
  received++;
}

const server = createServer((socket) => {
  /** The beginning of a message whose end has not come yet. */
  let rest = new Uint8Array(0);
  socket.on("data", (chunk: Uint8Array) => {
    const at = now();
    let data = chunk;
    if (rest.length > 0) {
      data = new Uint8Array(rest.length + chunk.length);
      data.set(rest);
      data.set(chunk, rest.length);
    }
    const whole = data.length - data.length % PACED_BYTES;
    for (let offset = 0; offset < whole; offset += PACED_BYTES) {
      handle(new DataView(data.buffer, data.byteOffset + offset, PACED_BYTES), at);
    }
    rest = data.slice(whole);
    if (received === blocks) {
      report({ ok: faults === 0, count: lateness.count, ...lateness.percentiles() });
      socket.destroy();
      server.close();
    }
  });
});
server.listen(textOption("socket"), sayReady);
