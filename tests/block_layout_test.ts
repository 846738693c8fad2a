// SPDX-License-Identifier: Apache-2.0
import { assertEquals } from "@std/assert";
import { describe, test } from "node:test";
import * as layout from "../src/block/layout.ts";
import { isMarketDataType, MarketDataType, marketDataTypeOf } from "../src/block/market_data_type.ts";
import { runC } from "./support/c_compiler.ts";

describe("layout", () => {
  test("layout has the numbers that a C compiler finds in market_data_block.h", () => {
    const block = (field: string) => `offsetof(qaultra_market_data_block, ${field})`;
    const trailer = (field: string) => `offsetof(qaultra_block_trailer, ${field})`;
    const expressions: Record<Exclude<keyof typeof layout, "SEQUENCE_MAX">, string> = {
      BLOCK_SIZE: "QAULTRA_BLOCK_SIZE",
      BLOCK_ALIGNMENT: "QAULTRA_BLOCK_ALIGNMENT",
      BLOCK_HEADER_SIZE: "QAULTRA_BLOCK_HEADER_SIZE",
      BLOCK_DATA_SIZE: "QAULTRA_BLOCK_DATA_SIZE",
      OFFSET_SEQUENCE: block("sequence"),
      OFFSET_TIMESTAMP_NS: block("timestamp_ns"),
      OFFSET_RECORD_COUNT: block("record_count"),
      OFFSET_DATA_TYPE: block("data_type"),
      OFFSET_FLAGS: block("flags"),
      OFFSET_DATA_LENGTH: block("data_length"),
      OFFSET_RECORD_SIZE: block("record_size"),
      OFFSET_SCHEMA_ID: block("schema_id"),
      OFFSET_DATA: block("data"),
      FLAG_LENGTH: "QAULTRA_BLOCK_FLAG_LENGTH",
      FLAG_TRAILER: "QAULTRA_BLOCK_FLAG_TRAILER",
      FLAG_CHECKSUM: "QAULTRA_BLOCK_FLAG_CHECKSUM",
      TRAILER_SIZE: "QAULTRA_BLOCK_TRAILER_SIZE",
      TRAILER_OFFSET: "QAULTRA_BLOCK_TRAILER_OFFSET",
      TRAILER_EPOCH: trailer("epoch"),
      TRAILER_SOURCE_SEQUENCE: trailer("source_sequence"),
      TRAILER_CRC32C: trailer("crc32c"),
      TRAILER_RESERVED: trailer("reserved"),
      TRAILER_RELAYED: "QAULTRA_BLOCK_RELAYED",
    };
    const lines = Object.entries(expressions).map(([name, code]) => `printf("${name} %zu\\n", (size_t)(${code}));`);
    const printed = runC(`#include <qaultra_ipc/block_checksum.h>
      #include <stdio.h>
      int main(void) { ${lines.join("\n")} return 0; }`);
    const { SEQUENCE_MAX: _, ...ours } = layout;
    assertEquals(Object.fromEntries(printed.map((line) => [line.split(" ")[0], Number(line.split(" ")[1])])), {
      ...ours,
    });
  });

  test("SEQUENCE_MAX is the last number that JavaScript counts exactly", () => {
    assertEquals(layout.SEQUENCE_MAX, 2 ** 53 - 1);
  });
});

describe("MarketDataType", () => {
  test("MarketDataType has the numbers of market_data_block.h", () => {
    const names = {
      Tick: "TICK",
      Bar: "BAR",
      Kline: "KLINE",
      OrderBook: "ORDER_BOOK",
      Trade: "TRADE",
      Unknown: "UNKNOWN",
    };
    const printed = runC(`#include <qaultra_ipc/market_data_block.h>
      #include <stdio.h>
      int main(void) {
        ${Object.entries(names).map(([ours, c]) => `printf("${ours} %u\\n", QAULTRA_DATA_TYPE_${c});`).join("\n")}
        return 0; }`);
    assertEquals(printed, Object.entries(MarketDataType).map(([name, value]) => `${name} ${value}`));
  });

  test("isMarketDataType accepts the listed numbers alone", () => {
    for (const value of [0, 1, 2, 3, 4, 255]) assertEquals(isMarketDataType(value), true);
    for (const value of [5, 254, 256, -1, 1.5, NaN, "0", null, undefined, 0n]) {
      assertEquals(isMarketDataType(value), false);
    }
  });

  test("marketDataTypeOf reads every other byte as Unknown", () => {
    for (let byte = 0; byte < 256; byte++) assertEquals(marketDataTypeOf(byte), byte <= 4 ? byte : 255);
  });
});
