// SPDX-License-Identifier: Apache-2.0
// What the files of the conformance suite share: streams of their own, blocks whose content follows from their sequence.
import { assert, assertEquals } from "@std/assert";
import { type Block, type DataBroadcaster, type DataSubscriber, MarketDataType } from "../../mod.ts";

let streams = 0;

/** A stream name that no other test uses. */
export function newStream(): string {
  return `conformance_${++streams}`;
}

/** Data of the block with this sequence; every byte follows from it. */
export function payload(sequence: number, length: number = 64): Uint8Array {
  const data = new Uint8Array(length);
  for (let index = 0; index < length; index++) data[index] = (sequence * 31 + index * 7 + (sequence >>> 8)) & 0xff;
  return data;
}

/** The block is the one that `send` made under its sequence. Returns that. */
export function checkBlock(block: Block, length: number = 64): number {
  const { sequence, data } = block;
  assertEquals(data.length, length, `length of block ${sequence}`);
  const wanted = payload(sequence, length);
  for (let index = 0; index < length; index++) {
    if (data[index] !== wanted[index]) assertEquals(data[index], wanted[index], `byte ${index} of block ${sequence}`);
  }
  return sequence;
}

/** Broadcasts blocks that must all find room. */
export function send(out: DataBroadcaster, count: number, length: number = 64): void {
  for (let sent = 0; sent < count; sent++) {
    const sequence = out.nextSequence;
    assert(out.broadcast(payload(sequence, length), 1, MarketDataType.Unknown), `block ${sequence} was refused`);
    assertEquals(out.nextSequence, sequence + 1);
  }
}

/** Broadcasts until there is no room, or up to a sequence; returns how many blocks were taken. */
export function fill(out: DataBroadcaster, end: number = Infinity): number {
  const first = out.nextSequence;
  while (out.nextSequence < end && out.broadcast(payload(out.nextSequence), 1, MarketDataType.Unknown));
  return out.nextSequence - first;
}

/** Reads all that is there and checks each block. Returns the sequences in the order they came. */
export function drain(feed: DataSubscriber, length: number = 64): number[] {
  const sequences: number[] = [];
  while (feed.poll((block) => void sequences.push(checkBlock(block, length))) > 0);
  return sequences;
}

/** The numbers from `first` to below `end`. */
export function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, index) => first + index);
}
