// SPDX-License-Identifier: Apache-2.0
/**
 * Zero-copy market-data broadcast over shared memory for Deno and Bun.
 *
 * One process broadcasts blocks of ticks, bars or records of your own; any number of scripts read them in place. QAULTRA C++
 * processes and scripts can read each other's streams. Importing this module loads nothing and asks for no permission;
 * `Runtime.open` loads the native library.
 *
 * @example A strategy in ten lines
 * ```ts
 * import { BroadcastConfig, DataSubscriber, Runtime, Tick } from "@qaultra/ipc";
 *
 * using runtime = Runtime.open({ roudi: "spawn" });
 * using feed = new DataSubscriber(new BroadcastConfig(), "market_stream", { runtime });
 * for await (const block of feed.blocks({ signal: AbortSignal.timeout(50) })) {
 *   for (const tick of block.records(Tick)) console.log(tick.symbol, tick.last);
 * }
 * ```
 *
 * @module
 */
export { Runtime } from "./src/hub/runtime.ts";
export { type RuntimeState, RuntimeStateEvent } from "./src/hub/runtime_state.ts";
export type { RuntimeOptions, Stack, StackLog } from "./src/hub/runtime_options.ts";
export type { StreamInfo } from "./src/hub/stream_info.ts";
export type { MemoryHandle } from "./src/transport/memory_handle.ts";
export { BroadcastConfig } from "./src/hub/broadcast_config.ts";
export type {
  BroadcastConfigFields,
  Delivery,
  LaneChoice,
  QueueLane,
  ReadMode,
  WaitStrategy,
} from "./src/hub/broadcast_config.ts";
export type { StreamAccess, StreamMode } from "./src/hub/stream_access.ts";
export { DataBroadcaster } from "./src/hub/data_broadcaster.ts";
export type { DataBroadcasterOptions } from "./src/hub/data_broadcaster.ts";
export type { BlockLoan } from "./src/hub/block_loan.ts";
export type { RecordWriter } from "./src/hub/record_writer.ts";
export { DataSubscriber, HELD_BLOCKS_MAX, POLL_LIMIT_DEFAULT } from "./src/hub/data_subscriber.ts";
export type { BlocksOptions, DataSubscriberOptions } from "./src/hub/data_subscriber.ts";
export type { SubscriberState } from "./src/hub/stream_watch.ts";
export { BroadcastManager } from "./src/hub/broadcast_manager.ts";
export type { StreamStats } from "./src/hub/broadcast_manager.ts";
export type { BroadcastStats, ReceiveStats } from "./src/hub/stats.ts";
export type { LatencyNs } from "./src/hub/latency_histogram.ts";
export { Relay } from "./src/relay/relay.ts";
export type { RelayOptions, RelayRunOptions } from "./src/relay/relay.ts";
export type { RelayStats, RelayStreamStats, RelayWay } from "./src/relay/relay_stats.ts";
export { Block } from "./src/block/block.ts";
export { isMarketDataType, MarketDataType } from "./src/block/market_data_type.ts";
export { BLOCK_ALIGNMENT, BLOCK_DATA_SIZE, BLOCK_HEADER_SIZE, BLOCK_SIZE } from "./src/block/layout.ts";
export { defineRecord, RecordSchema } from "./src/block/record/record_schema.ts";
export type { RecordOf, RecordOptions, RecordValues } from "./src/block/record/record_schema.ts";
export type { RecordView } from "./src/block/record/record_view.ts";
export type { RecordField } from "./src/block/record/record_layout.ts";
export type {
  ArrayField,
  FieldObject,
  FieldRead,
  FieldType,
  FieldWrite,
  NumberGetters,
  NumberName,
  RecordFields,
  RecordObject,
  RecordRead,
  RecordWrite,
  ScalarType,
  ScalarValues,
  ScalarWrite,
  TextTests,
  TextWords,
  WideArrayField,
  WideType,
} from "./src/block/record/field_types.ts";
export { Tick } from "./src/block/record/schemas/tick.ts";
export type { TickFields } from "./src/block/record/schemas/tick.ts";
export { Bar } from "./src/block/record/schemas/bar.ts";
export type { BarFields } from "./src/block/record/schemas/bar.ts";
export { ORDER_BOOK_LEVELS, OrderBook } from "./src/block/record/schemas/order_book.ts";
export type { OrderBookFields } from "./src/block/record/schemas/order_book.ts";
export { Trade, TradeSide } from "./src/block/record/schemas/trade.ts";
export type { TradeFields } from "./src/block/record/schemas/trade.ts";
export {
  AbiMismatchError,
  AccessError,
  ArgumentError,
  BadHandleError,
  BatchTooLargeError,
  BlockReleasedError,
  BlockTooLargeError,
  BufferTooSmallError,
  ClosedError,
  ConfigError,
  DaemonAbsentError,
  DaemonGoneError,
  DaemonHungError,
  DaemonStartError,
  DaemonVersionError,
  DataTooLongError,
  DeliveryMismatchError,
  ERROR_CODES,
  FieldValueError,
  ForeignChunkError,
  HeldLimitError,
  HistoryError,
  InternalError,
  IpcError,
  IterationError,
  LibraryNotFoundError,
  LoanOutstandingError,
  MisalignedError,
  NameEmptyError,
  NameInUseError,
  NameInvalidError,
  NameTooLongError,
  NotABlockError,
  NotHeldError,
  NotLoanedError,
  NullPointerError,
  OptionError,
  OptionsDifferError,
  PermissionError,
  QueueCapacityError,
  RecordSizeError,
  RingCapacityError,
  RingCorruptError,
  RingEntryError,
  RingGoneError,
  RingVersionError,
  RuntimeClosedError,
  RuntimeNotOpenError,
  SchemaCollisionError,
  SchemaError,
  SchemaMismatchError,
  SequenceExhaustedError,
  ServiceDamagedError,
  ServiceTypeError,
  SharedMemoryTooSmallError,
  StackUnknownError,
  StreamFullError,
  SubscriberLimitError,
  SystemError,
  TooManyBroadcastersError,
  TooManyHandlesError,
  TooManyHeldError,
  TooManyLoansError,
  TooManyProcessesError,
  TooManyPublishersError,
  TooManySubscribersError,
  TooManyWaitersError,
  UnsupportedError,
  WrongThreadError,
} from "./src/errors.ts";
export type { ErrorDetails, IpcErrorClass } from "./src/errors.ts";
