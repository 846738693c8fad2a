// SPDX-License-Identifier: Apache-2.0
//
// The asking side of `json-pipe`. Timed is one round trip: a tick to JSON, write, wait for the answer, parse.
import { Histogram } from "../support/histogram.ts";
import { sharedClock } from "../support/clock.ts";
import { JsonReader, type JsonTick, JsonWriter, sumOf, tickOf } from "../support/json_pipe.ts";
import { numberOption, report, textOption } from "../support/worker.ts";

const warmup = numberOption("warmup");
const rounds = numberOption("count") + warmup;

const out = new JsonWriter(textOption("there"));
const back = new JsonReader(textOption("back"));
const clock = sharedClock(Date.now());
const latencies = new Histogram();
let sent = 0;
let received = 0;
for (let i = 0; i < rounds; i++) {
  const tick = tickOf(i);
  sent += sumOf(tick);
  const begin = clock();
  out.write(tick);
  const answer = back.read() as JsonTick;
  const end = clock();
  received += sumOf(answer);
  if (i >= warmup) latencies.add(end - begin);
}
report({ ok: sent === received, count: latencies.count, checksum: received, ...latencies.percentiles(0.5) });
