// SPDX-License-Identifier: Apache-2.0
//
// What `ring-paced` is compared with, sending side: the same messages by the same schedule over a Unix-domain socket. The event
// loop turns all the time, since a socket may write only then.
import { connect } from "node:net";
import { setImmediate } from "node:timers";
import { sharedClock } from "../support/clock.ts";
import { Schedule } from "../support/paced.ts";
import { numberOption, report, textOption } from "../support/worker.ts";

const blocks = numberOption("count") + numberOption("warmup");
const now = sharedClock(numberOption("base-ms"));
const socket = connect(textOption("socket"));
await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));

const schedule = new Schedule(now(), numberOption("rate"));
let sent = 0;
while (sent < blocks) {
  const at = now();
  while (sent < blocks && schedule.dueNs(sent) <= at) {
    // A message of its own each time: a socket may keep the buffer that it was given.
    socket.write(new Uint8Array(new Float64Array([sent, schedule.dueNs(sent)]).buffer));
    sent++;
  }
  await new Promise((resolve) => setImmediate(resolve));
}
await new Promise<void>((resolve) => socket.end(resolve));
report({ ok: true });
