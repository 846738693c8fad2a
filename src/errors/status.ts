// SPDX-License-Identifier: Apache-2.0
import type { ErrorDetails, IpcError, IpcErrorClass } from "./base.ts";
import * as port from "./port.ts";
import * as ring from "./ring.ts";
import * as runtime from "./runtime.ts";

/** The error class of each negative status of the C ABI, at the index of the status without its sign. Index 0 is no error. */
const STATUS_CLASSES: readonly (IpcErrorClass | null)[] = [
  null,
  runtime.InternalError, // -1
  port.NullPointerError, // -2
  port.MisalignedError, // -3
  port.BufferTooSmallError, // -4
  runtime.OptionError, // -5
  port.NameEmptyError, // -6
  port.NameTooLongError, // -7
  port.NameInvalidError, // -8
  port.BadHandleError, // -9
  port.ClosedError, // -10
  port.WrongThreadError, // -11
  runtime.NameInUseError, // -12
  runtime.DaemonAbsentError, // -13
  runtime.DaemonGoneError, // -14
  runtime.DaemonHungError, // -15
  runtime.DaemonStartError, // -16
  runtime.SharedMemoryTooSmallError, // -17
  runtime.OptionsDifferError, // -18
  runtime.TooManyPublishersError, // -19
  runtime.TooManySubscribersError, // -20
  port.StreamFullError, // -21
  port.TooManyLoansError, // -22
  port.TooManyHeldError, // -23
  port.BlockTooLargeError, // -24
  port.NotLoanedError, // -25
  port.NotHeldError, // -26
  port.QueueCapacityError, // -27
  port.HistoryError, // -28
  runtime.AccessError, // -29
  runtime.TooManyProcessesError, // -30
  runtime.TooManyHandlesError, // -31
  port.ForeignChunkError, // -32
  runtime.SystemError, // -33
  runtime.UnsupportedError, // -34
  runtime.TooManyWaitersError, // -35
  runtime.DaemonVersionError, // -36
  ring.RingGoneError, // -37
  ring.RingVersionError, // -38
  ring.RingCorruptError, // -39
  ring.RingCapacityError, // -40
  ring.RingEntryError, // -41
  port.ServiceTypeError, // -42
  port.ServiceDamagedError, // -43
];

/**
 * The class of the typed error for a status of the C ABI.
 *
 * @param status A negative status.
 * @returns Its class, or `InternalError` for a number that this version does not know.
 */
export function errorClassOfStatus(status: number): IpcErrorClass {
  return STATUS_CLASSES[-status] ?? runtime.InternalError;
}

/**
 * Makes the typed error for a status of the C ABI.
 *
 * @param status A negative status.
 * @param action What was attempted, continuing the word "Cannot".
 * @param details The offending value, the limit and the text, as `qipc_error_detail` gives them.
 * @returns The error, to be thrown.
 */
export function errorOfStatus(status: number, action: string, details: ErrorDetails = {}): IpcError {
  const known = STATUS_CLASSES[-status];
  if (known) return new known(action, details);
  return new runtime.InternalError(action, {
    ...details,
    condition: `the native library returned the unknown status ${status}`,
  });
}
