// SPDX-License-Identifier: Apache-2.0
import type { IpcErrorClass } from "./base.ts";
import * as data from "./data.ts";
import * as port from "./port.ts";
import * as record from "./record.ts";
import * as ring from "./ring.ts";
import * as runtime from "./runtime.ts";

/**
 * Every error class of this module by its stable code.
 *
 * @example Looking up what a code means
 * ```ts
 * import { ERROR_CODES } from "@qaultra/ipc";
 *
 * console.log(ERROR_CODES["QIPC_NAME_TOO_LONG"]?.remedy);
 * ```
 */
export const ERROR_CODES: Readonly<Record<string, IpcErrorClass>> = Object.freeze({
  QIPC_ARGUMENT: data.ArgumentError,
  QIPC_CONFIG: data.ConfigError,
  QIPC_NOT_A_BLOCK: data.NotABlockError,
  QIPC_BLOCK_RELEASED: data.BlockReleasedError,
  QIPC_DATA_TOO_LONG: data.DataTooLongError,
  QIPC_BATCH_TOO_LARGE: data.BatchTooLargeError,
  QIPC_SEQUENCE_EXHAUSTED: data.SequenceExhaustedError,
  QIPC_RECORD_SIZE: record.RecordSizeError,
  QIPC_SCHEMA: record.SchemaError,
  QIPC_SCHEMA_MISMATCH: record.SchemaMismatchError,
  QIPC_SCHEMA_COLLISION: record.SchemaCollisionError,
  QIPC_FIELD_VALUE: record.FieldValueError,
  QIPC_NULL: port.NullPointerError,
  QIPC_MISALIGNED: port.MisalignedError,
  QIPC_BUFFER_TOO_SMALL: port.BufferTooSmallError,
  QIPC_NAME_EMPTY: port.NameEmptyError,
  QIPC_NAME_TOO_LONG: port.NameTooLongError,
  QIPC_NAME_INVALID: port.NameInvalidError,
  QIPC_BAD_HANDLE: port.BadHandleError,
  QIPC_CLOSED: port.ClosedError,
  QIPC_WRONG_THREAD: port.WrongThreadError,
  QIPC_STREAM_FULL: port.StreamFullError,
  QIPC_TOO_MANY_LOANS: port.TooManyLoansError,
  QIPC_TOO_MANY_HELD: port.TooManyHeldError,
  QIPC_BLOCK_TOO_LARGE: port.BlockTooLargeError,
  QIPC_NOT_LOANED: port.NotLoanedError,
  QIPC_NOT_HELD: port.NotHeldError,
  QIPC_CAPACITY: port.QueueCapacityError,
  QIPC_HISTORY: port.HistoryError,
  QIPC_FOREIGN_CHUNK: port.ForeignChunkError,
  QIPC_SERVICE_TYPE: port.ServiceTypeError,
  QIPC_SERVICE_DAMAGED: port.ServiceDamagedError,
  QIPC_LOAN_OUTSTANDING: port.LoanOutstandingError,
  QIPC_HELD_LIMIT: port.HeldLimitError,
  QIPC_SUBSCRIBER_LIMIT: port.SubscriberLimitError,
  QIPC_DELIVERY_MISMATCH: port.DeliveryMismatchError,
  QIPC_ITERATION: port.IterationError,
  QIPC_RING_GONE: ring.RingGoneError,
  QIPC_RING_VERSION: ring.RingVersionError,
  QIPC_RING_CORRUPT: ring.RingCorruptError,
  QIPC_RING_CAPACITY: ring.RingCapacityError,
  QIPC_RING_ENTRY: ring.RingEntryError,
  QIPC_TOO_MANY_BROADCASTERS: ring.TooManyBroadcastersError,
  QIPC_INTERNAL: runtime.InternalError,
  QIPC_OPTION: runtime.OptionError,
  QIPC_NAME_IN_USE: runtime.NameInUseError,
  QIPC_DAEMON_ABSENT: runtime.DaemonAbsentError,
  QIPC_DAEMON_GONE: runtime.DaemonGoneError,
  QIPC_DAEMON_HUNG: runtime.DaemonHungError,
  QIPC_DAEMON_START: runtime.DaemonStartError,
  QIPC_SHM_TOO_SMALL: runtime.SharedMemoryTooSmallError,
  QIPC_OPTIONS_DIFFER: runtime.OptionsDifferError,
  QIPC_TOO_MANY_PUBLISHERS: runtime.TooManyPublishersError,
  QIPC_TOO_MANY_SUBSCRIBERS: runtime.TooManySubscribersError,
  QIPC_ACCESS: runtime.AccessError,
  QIPC_TOO_MANY_PROCESSES: runtime.TooManyProcessesError,
  QIPC_TOO_MANY_HANDLES: runtime.TooManyHandlesError,
  QIPC_SYSTEM: runtime.SystemError,
  QIPC_UNSUPPORTED: runtime.UnsupportedError,
  QIPC_TOO_MANY_WAITERS: runtime.TooManyWaitersError,
  QIPC_VERSION: runtime.DaemonVersionError,
  QIPC_LIBRARY_NOT_FOUND: runtime.LibraryNotFoundError,
  QIPC_ABI_MISMATCH: runtime.AbiMismatchError,
  QIPC_PERMISSION: runtime.PermissionError,
  QIPC_RUNTIME_NOT_OPEN: runtime.RuntimeNotOpenError,
  QIPC_RUNTIME_CLOSED: runtime.RuntimeClosedError,
  QIPC_STACK_UNKNOWN: runtime.StackUnknownError,
});
