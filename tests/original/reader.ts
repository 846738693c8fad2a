// SPDX-License-Identifier: Apache-2.0
// reader.ts <lane> <stream> <subscribers> <last sequence> lossy | lossless
//
// Reads a stream with any number of subscribers until each has the block with the last sequence. Prints "ready", and at the end
// one line of JSON, a list of what subscribers got, equal ones together: `subscribers` says how many they are.
import process from "node:process";
import { type Block, BroadcastConfig, DataSubscriber, type Delivery, type LaneChoice, Runtime } from "../../mod.ts";
import { patternChecksum } from "../support/pattern.ts";

/** What one subscriber got. */
class Reader {
  readonly feed: DataSubscriber;
  checksum = 0;
  first = -1;
  last = -1;
  inOrder = true;
  readonly handle = (block: Block): void => {
    const { sequence } = block;
    if (sequence <= this.last) this.inOrder = false;
    if (this.first < 0) this.first = sequence;
    this.last = sequence;
    this.checksum = (this.checksum + patternChecksum(block.data)) >>> 0;
  };

  constructor(config: BroadcastConfig, stream: string, runtime: Runtime) {
    this.feed = new DataSubscriber(config, stream, { runtime });
  }
}

const [lane, stream, subscribers, lastSequence, delivery] = process.argv.slice(2);
using runtime = Runtime.open();
const config = new BroadcastConfig({
  lane: lane as LaneChoice,
  delivery: delivery as Delivery,
  maxSubscribers: 2000,
});
const readers = Array.from({ length: Number(subscribers) }, () => new Reader(config, stream!, runtime));
console.log("ready");
const last = Number(lastSequence);
while (readers.some((reader) => reader.last < last)) {
  readers[0]!.feed.waitSync(1000);
  for (let got = true; got;) {
    got = false;
    for (const reader of readers) if (reader.feed.poll(reader.handle, 64) > 0) got = true;
  }
}
const results = new Map<string, number>();
for (const { feed, first, checksum, inOrder } of readers) {
  const { receivedBlocks, receivedRecords, receivedBytes, missedBlocks } = feed.getReceiveStats();
  const result = { first, receivedBlocks, receivedRecords, receivedBytes, missedBlocks, checksum, inOrder };
  const line = JSON.stringify(result);
  results.set(line, (results.get(line) ?? 0) + 1);
  feed.close();
}
console.log(JSON.stringify([...results].map(([line, count]) => ({ subscribers: count, ...JSON.parse(line) }))));
