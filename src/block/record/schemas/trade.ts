// SPDX-License-Identifier: Apache-2.0
import { MarketDataType } from "../../market_data_type.ts";
import { defineRecord, type RecordSchema } from "../record_schema.ts";

/** The fields of {@linkcode Trade}. */
export type TradeFields = {
  /** Time of the trade at its source, in nanoseconds since 1970. */
  readonly timestampNs: "i64";
  /** Price. */
  readonly price: "f64";
  /** Quantity, in the instrument's units, fractions included. */
  readonly quantity: "f64";
  /** The source's number of the trade. */
  readonly tradeId: "u64";
  /** Who crossed the spread: one of {@linkcode TradeSide}. */
  readonly side: "u8";
  /** Instrument. */
  readonly symbol: "char[31]";
};

/** Values of the field `side` of a {@linkcode Trade}: the side of the order that took liquidity. */
export const TradeSide: {
  /** The source does not say. */
  readonly Unknown: 0;
  /** A buyer took the ask. */
  readonly Buy: 1;
  /** A seller hit the bid. */
  readonly Sell: 2;
} = Object.freeze({ Unknown: 0, Buy: 1, Sell: 2 });

/** One of the numbers of {@linkcode TradeSide}. */
export type TradeSide = (typeof TradeSide)[keyof typeof TradeSide];

/**
 * A single trade. 64 bytes, 127 in a block.
 *
 * @example Writing a trade and reading it
 * ```ts
 * import { Trade, TradeSide } from "@qaultra/ipc";
 *
 * const data = new Uint8Array(Trade.size);
 * Trade.write(data, 0, { timestampNs: 1n, price: 100.5, quantity: 3, tradeId: 7, side: TradeSide.Buy, symbol: "ES" });
 * console.log(Trade.read(data).side === TradeSide.Buy); // true
 * ```
 */
export const Trade: RecordSchema<TradeFields> = defineRecord("Trade", {
  timestampNs: "i64",
  price: "f64",
  quantity: "f64",
  tradeId: "u64",
  side: "u8",
  symbol: "char[31]",
}, { dataType: MarketDataType.Trade });
