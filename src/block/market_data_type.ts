// SPDX-License-Identifier: Apache-2.0

/**
 * What the records of a block are: the `data_type` byte of its header, with the numbers of QAULTRA C++.
 *
 * @example Telling ticks from bars
 * ```ts
 * import { MarketDataType, Tick } from "@qaultra/ipc";
 *
 * console.log(Tick.dataType === MarketDataType.Tick); // true
 * ```
 */
export const MarketDataType: {
  /** A tick: last price, best bid and ask. */
  readonly Tick: 0;
  /** A bar of some period. */
  readonly Bar: 1;
  /** A bar as exchanges' kline feeds send it. */
  readonly Kline: 2;
  /** A snapshot of an order book. */
  readonly OrderBook: 3;
  /** A single trade. */
  readonly Trade: 4;
  /** Anything else, such as records of your own. */
  readonly Unknown: 255;
} = Object.freeze({ Tick: 0, Bar: 1, Kline: 2, OrderBook: 3, Trade: 4, Unknown: 255 });

/** One of the numbers of {@linkcode MarketDataType}. */
export type MarketDataType = (typeof MarketDataType)[keyof typeof MarketDataType];

const HIGHEST_LISTED = 4;

/**
 * Whether a number is a data type that a block can be published with.
 *
 * @param value Any value.
 * @returns Whether it is one of the listed numbers.
 */
export function isMarketDataType(value: unknown): value is MarketDataType {
  return typeof value === "number" &&
    (value === 255 || (Number.isInteger(value) && value >= 0 && value <= HIGHEST_LISTED));
}

/**
 * The data type that a header byte stands for; a byte that is not listed is `Unknown`.
 *
 * @param byte What a peer wrote.
 * @returns The data type.
 */
export function marketDataTypeOf(byte: number): MarketDataType {
  return (byte <= HIGHEST_LISTED ? byte : MarketDataType.Unknown) as MarketDataType;
}
