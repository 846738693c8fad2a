// SPDX-License-Identifier: Apache-2.0
import { openSync, readSync, writeSync } from "node:fs";

/** A tick as JSON carries it. */
export interface JsonTick {
  timestampMs: number;
  symbol: string;
  last: number;
  bid: number;
  ask: number;
  volumeNumber: number;
}

/** The tick of round `i`. */
export function tickOf(i: number): JsonTick {
  const last = 3800 + (i % 1000) / 100;
  return {
    timestampMs: 1_700_000_000_000 + i,
    symbol: "IF2412",
    last,
    bid: last - 0.2,
    ask: last + 0.2,
    volumeNumber: i,
  };
}

/** What a tick adds to the checksum. Every field is in it, and every partial sum is exact. */
export function sumOf(tick: JsonTick): number {
  const cents = Math.round((tick.last + tick.bid + tick.ask) * 100);
  return (tick.timestampMs % 1e6) + tick.symbol.length + cents + tick.volumeNumber;
}

const LINE_BYTES_MAX = 4096;
const NEWLINE = 10;

/** The writing end of a named pipe: a line of JSON for each value. */
export class JsonWriter {
  readonly #pipe: number;

  /** Waits for the reader. */
  constructor(path: string) {
    this.#pipe = openSync(path, "w");
  }

  write(value: unknown): void {
    writeSync(this.#pipe, JSON.stringify(value) + "\n");
  }
}

/** The reading end of a named pipe. */
export class JsonReader {
  readonly #pipe: number;
  readonly #bytes: Uint8Array = new Uint8Array(LINE_BYTES_MAX);
  readonly #decoder = new TextDecoder();

  /** Waits for the writer. */
  constructor(path: string) {
    this.#pipe = openSync(path, "r");
  }

  /** The next value, for which it waits. The other end writes one at a time, so no read has more than one line. */
  read(): unknown {
    let length = 0;
    do {
      const count = readSync(this.#pipe, this.#bytes, length, LINE_BYTES_MAX - length, null);
      if (count === 0) throw new Error("The other end has closed the pipe");
      length += count;
    } while (this.#bytes[length - 1] !== NEWLINE);
    return JSON.parse(this.#decoder.decode(this.#bytes.subarray(0, length)));
  }
}
