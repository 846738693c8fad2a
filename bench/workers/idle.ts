// SPDX-License-Identifier: Apache-2.0
//
// `open`, memory: a subscriber that waits for a stream on which nothing comes. It ends with its stdin.
import process from "node:process";
import { DataSubscriber, Runtime } from "../../mod.ts";
import { benchConfig } from "../support/stream.ts";
import { sayReady } from "../support/worker.ts";

using _runtime = Runtime.open();
using feed = new DataSubscriber(benchConfig(), "idle");
process.stdin.on("end", () => feed.close()).resume();
sayReady();
for await (const block of feed) throw new Error(`Block ${block.sequence} came on an idle stream`);
