// SPDX-License-Identifier: Apache-2.0
// Changes bytes of blocks that were published, from outside, as somebody does who may write the memory and should not.
import { closeSync, openSync, readdirSync, readFileSync, readSync, writeSync } from "node:fs";
import { type DataBroadcaster, IpcError, type Runtime } from "../../mod.ts";
import { MemoryTransport } from "../../src/transport/memory_transport.ts";
import type { MappedWindow } from "../../src/transport/transport.ts";
import { RingMemory } from "../ring/raw_ring.ts";

const RING_HEADER_BYTES = 4096;
const BLOCK_BYTES = 8192;
/** Of the trailer's epoch in a block. */
const EPOCH_OFFSET = 32 + 8136;

/** Flips the bits of `mask` in one byte of a block that was published. */
export type Spoil = (runtime: Runtime, out: DataBroadcaster, sequence: number, place: number, mask: number) => void;

function flipInFile(path: string, at: number, mask: number): void {
  const file = openSync(path, "r+");
  try {
    const byte = new Uint8Array(1);
    readSync(file, byte, 0, 1, at);
    byte[0]! ^= mask;
    writeSync(file, byte, 0, 1, at);
  } finally {
    closeSync(file);
  }
}

/** In a ring of the library. */
export const spoilRing: Spoil = (_runtime, out, sequence, place, mask) => {
  const path = `/dev/shm/qaultra-ring-${out.epoch.toString(16).padStart(16, "0")}`;
  flipInFile(path, RING_HEADER_BYTES + (sequence % out.config.ringCapacity) * BLOCK_BYTES + place, mask);
};

/** In a ring of the memory stack. */
export const spoilMemory: Spoil = (runtime, out, sequence, place, mask) => {
  const transport = MemoryTransport.attach(runtime.handle);
  const memory = RingMemory.of(transport, out.epoch);
  const { buffer, byteOffset, byteLength } = memory.data;
  new Uint8Array(buffer, byteOffset, byteLength)[memory.slot(sequence) * 4 + place]! ^= mask;
  transport.close();
};

/** The segment that RouDi keeps blocks in, beside that of its management. */
export function poolPath(): string {
  const names = readdirSync("/dev/shm").filter((name) => !/^(qaultra-|iceoryx|sem\.)/.test(name));
  if (names.length !== 1) throw new Error(`Cannot tell the block pool among ${names.join(", ")}`);
  return `/dev/shm/${names[0]}`;
}

/** In a chunk of the queue lane: the one that says that it is this block. */
export const spoilQueue: Spoil = (_runtime, out, sequence, place, mask) => {
  const path = poolPath();
  const bytes = readFileSync(path);
  const longs = new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 3);
  const wanted = BigInt(sequence);
  for (let at = 0; at + BLOCK_BYTES <= bytes.length; at += 64) {
    if (longs[at / 8] !== wanted || longs[(at + EPOCH_OFFSET) / 8] !== out.epoch) continue;
    flipInFile(path, at + place, mask);
    return;
  }
  throw new Error(`Cannot find block ${sequence} in ${path}`);
};

/** Windows that a test may have mapped. */
const WINDOWS_MAX = 64;

/** In a chunk of the queue lane that this process may write, through its own window. */
export const spoilWindow: Spoil = (runtime, out, sequence, place, mask) => {
  const { transport } = runtime.connection("spoil a block");
  for (let id = 1; id <= WINDOWS_MAX; id++) {
    let mapped: MappedWindow;
    try {
      mapped = transport.mapWindow(id);
    } catch (error) {
      if (error instanceof IpcError) continue;
      throw error;
    }
    if (!mapped.writable) continue;
    const bytes = new Uint8Array(mapped.buffer);
    const longs = new BigUint64Array(mapped.buffer, 0, bytes.length >>> 3);
    for (let at = 0; at + BLOCK_BYTES <= bytes.length; at += 64) {
      if (longs[at / 8] !== BigInt(sequence) || longs[(at + EPOCH_OFFSET) / 8] !== out.epoch) continue;
      bytes[at + place]! ^= mask;
      return;
    }
  }
  throw new Error(`Cannot find block ${sequence} in any window`);
};
