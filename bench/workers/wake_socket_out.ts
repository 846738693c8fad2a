// SPDX-License-Identifier: Apache-2.0
//
// What `wake` is compared with, sending side: one message of 16 bytes a millisecond or so over a Unix-domain socket.
import { connect } from "node:net";
import { sharedClock } from "../support/clock.ts";
import { numberOption, pause, report, textOption } from "../support/worker.ts";

const blocks = numberOption("count") + numberOption("warmup");
const now = sharedClock(numberOption("base-ms"));
const socket = connect(textOption("socket"));
await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));

for (let i = 0; i < blocks; i++) {
  await pause(1);
  // A message of its own each time: a socket may keep the buffer that it was given.
  const sent = new Float64Array(2);
  sent[0] = i;
  sent[1] = now();
  socket.write(new Uint8Array(sent.buffer));
}
socket.end();
report({ ok: true });
