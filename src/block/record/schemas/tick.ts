// SPDX-License-Identifier: Apache-2.0
import { MarketDataType } from "../../market_data_type.ts";
import { defineRecord, type RecordSchema } from "../record_schema.ts";

/** The fields of {@linkcode Tick}. */
export type TickFields = {
  /** Time of the tick at its source, in nanoseconds since 1970. */
  readonly timestampNs: "i64";
  /** Price of the last trade. */
  readonly last: "f64";
  /** Best bid price. */
  readonly bid: "f64";
  /** Best ask price. */
  readonly ask: "f64";
  /** Volume, in the instrument's units. */
  readonly volume: "u64";
  /** Instrument. */
  readonly symbol: "char[32]";
};

/**
 * A tick: last price, best bid and ask, volume. 72 bytes, 113 in a block.
 *
 * @example Writing a tick and reading it
 * ```ts
 * import { Tick } from "@qaultra/ipc";
 *
 * const data = new Uint8Array(Tick.size);
 * const timestampNs = BigInt(Date.now()) * 1_000_000n;
 * Tick.write(data, 0, { timestampNs, last: 5104.25, bid: 5104, ask: 5104.5, volume: 12n, symbol: "ES" });
 * console.log(Tick.read(data).symbol); // ES
 * ```
 */
export const Tick: RecordSchema<TickFields> = defineRecord("Tick", {
  timestampNs: "i64",
  last: "f64",
  bid: "f64",
  ask: "f64",
  volume: "u64",
  symbol: "char[32]",
}, { dataType: MarketDataType.Tick });
