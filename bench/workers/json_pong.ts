// SPDX-License-Identifier: Apache-2.0
//
// The answering side of `json-pipe`: parses each tick and writes it back.
import { JsonReader, type JsonTick, JsonWriter, sumOf } from "../support/json_pipe.ts";
import { numberOption, report, sayReady, textOption } from "../support/worker.ts";

const rounds = numberOption("count") + numberOption("warmup");

sayReady();
const feed = new JsonReader(textOption("there"));
const out = new JsonWriter(textOption("back"));
let received = 0;
for (let i = 0; i < rounds; i++) {
  const tick = feed.read() as JsonTick;
  out.write(tick);
  received += sumOf(tick);
}
report({ ok: true, checksum: received });
