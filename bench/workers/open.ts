// SPDX-License-Identifier: Apache-2.0
//
// `open`: from the start of the process to the first block, and from `Runtime.open` to attached.
import { DataSubscriber, Runtime } from "../../mod.ts";
import { benchConfig } from "../support/stream.ts";
import { numberOption, report, textOption } from "../support/worker.ts";

const loadedMs = Date.now() - numberOption("started-ms");
const begin = performance.now();
using _runtime = Runtime.open();
const attachMs = performance.now() - begin;
using feed = new DataSubscriber(benchConfig(), textOption("stream"));
while (!feed.waitSync(1000));
using block = feed.receiveBlock();
report({ ok: block !== null, loadedMs, attachMs, firstBlockMs: Date.now() - numberOption("started-ms") });
