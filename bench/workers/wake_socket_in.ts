// SPDX-License-Identifier: Apache-2.0
//
// What `wake` is compared with, receiving side: the same messages over a Unix-domain socket. The server is here, and the
// first line of its data event reads the clock.
import { createServer } from "node:net";
import { sharedClock } from "../support/clock.ts";
import { Histogram } from "../support/histogram.ts";
import { numberOption, report, sayReady, textOption } from "../support/worker.ts";

const MESSAGE_BYTES = 16;
const warmup = numberOption("warmup");
const blocks = numberOption("count") + warmup;
const now = sharedClock(numberOption("base-ms"));

const latencies = new Histogram();
let received = 0;
let faults = 0;
const server = createServer((socket) => {
  socket.on("data", (data) => {
    const at = now();
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    for (let offset = 0; offset + MESSAGE_BYTES <= data.byteLength; offset += MESSAGE_BYTES) {
      if (view.getFloat64(offset, true) !== received) faults++;
      if (received >= warmup) latencies.add(at - view.getFloat64(offset + 8, true));
      received++;
    }
    if (data.byteLength % MESSAGE_BYTES !== 0) faults++;
    if (received === blocks) {
      report({ ok: faults === 0, count: latencies.count, ...latencies.percentiles() });
      socket.destroy();
      server.close();
    }
  });
});
server.listen(textOption("socket"), sayReady);
