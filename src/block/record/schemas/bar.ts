// SPDX-License-Identifier: Apache-2.0
import { MarketDataType } from "../../market_data_type.ts";
import { defineRecord, type RecordSchema } from "../record_schema.ts";

/** The fields of {@linkcode Bar}. */
export type BarFields = {
  /** Begin of the period, in nanoseconds since 1970. */
  readonly timestampNs: "i64";
  /** Length of the period, in nanoseconds; a day is 86,400,000,000,000. */
  readonly periodNs: "i64";
  /** First price of the period. */
  readonly open: "f64";
  /** Highest price. */
  readonly high: "f64";
  /** Lowest price. */
  readonly low: "f64";
  /** Last price. */
  readonly close: "f64";
  /** Volume traded in the period, in the instrument's units, fractions included. */
  readonly volume: "f64";
  /** Trades in the period, 0 where the source does not count them. */
  readonly tradeCount: "u32";
  /** Instrument. */
  readonly symbol: "char[28]";
};

/**
 * A bar: open, high, low, close and volume of a period. 88 bytes, 92 in a block.
 *
 * @example Writing a bar and reading it
 * ```ts
 * import { Bar } from "@qaultra/ipc";
 *
 * const data = new Uint8Array(Bar.size);
 * const day = { timestampNs: BigInt(Date.UTC(2000, 0, 3)) * 1_000_000n, periodNs: 86_400_000_000_000n };
 * Bar.write(data, 0, { ...day, open: 1469, high: 1478, low: 1438, close: 1455, volume: 931.8e6, tradeCount: 0, symbol: "SPX" });
 * console.log(Bar.read(data).close); // 1455
 * ```
 */
export const Bar: RecordSchema<BarFields> = defineRecord("Bar", {
  timestampNs: "i64",
  periodNs: "i64",
  open: "f64",
  high: "f64",
  low: "f64",
  close: "f64",
  volume: "f64",
  tradeCount: "u32",
  symbol: "char[28]",
}, { dataType: MarketDataType.Bar });
