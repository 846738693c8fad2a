// SPDX-License-Identifier: Apache-2.0
import { MarketDataType } from "../../market_data_type.ts";
import { defineRecord, type RecordSchema } from "../record_schema.ts";

/** The fields of {@linkcode OrderBook}. */
export type OrderBookFields = {
  /** Time of the snapshot at its source, in nanoseconds since 1970. */
  readonly timestampNs: "i64";
  /** Bid prices, best first. */
  readonly bidPrice: "f64[10]";
  /** Sizes at the bid prices. */
  readonly bidSize: "f64[10]";
  /** Ask prices, best first. */
  readonly askPrice: "f64[10]";
  /** Sizes at the ask prices. */
  readonly askSize: "f64[10]";
  /** Bid levels in use, 0 to 10. The others hold 0. */
  readonly bidLevels: "u8";
  /** Ask levels in use, 0 to 10. The others hold 0. */
  readonly askLevels: "u8";
  /** Instrument. */
  readonly symbol: "char[30]";
};

/** Levels of each side of an {@linkcode OrderBook}. */
export const ORDER_BOOK_LEVELS = 10;

/**
 * A snapshot of an order book, 10 levels a side. 360 bytes, 22 in a block.
 *
 * @example Writing a snapshot and reading it
 * ```ts
 * import { OrderBook, ORDER_BOOK_LEVELS } from "@qaultra/ipc";
 *
 * const side = (price: number, step: number) => Float64Array.from({ length: ORDER_BOOK_LEVELS }, (_, i) => price + i * step);
 * const sizes = new Float64Array(ORDER_BOOK_LEVELS).fill(5);
 * const data = new Uint8Array(OrderBook.size);
 * OrderBook.write(data, 0, {
 *   timestampNs: 1n,
 *   bidPrice: side(99.5, -0.5),
 *   bidSize: sizes,
 *   askPrice: side(100, 0.5),
 *   askSize: sizes,
 *   bidLevels: 10,
 *   askLevels: 10,
 *   symbol: "ES",
 * });
 * for (const book of OrderBook.over(data)) console.log(book.askPrice.at(0) - book.bidPrice.at(0)); // 0.5
 * ```
 */
export const OrderBook: RecordSchema<OrderBookFields> = defineRecord("OrderBook", {
  timestampNs: "i64",
  bidPrice: "f64[10]",
  bidSize: "f64[10]",
  askPrice: "f64[10]",
  askSize: "f64[10]",
  bidLevels: "u8",
  askLevels: "u8",
  symbol: "char[30]",
}, { dataType: MarketDataType.OrderBook });
