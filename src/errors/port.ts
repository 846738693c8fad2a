// SPDX-License-Identifier: Apache-2.0
import { IpcError } from "./base.ts";

/** A null pointer reached the native library. */
export class NullPointerError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_NULL";
  /** What is wrong, in words. */
  static override readonly condition: string = "a buffer is null, empty or detached";
  /** What to do about it, in words. */
  static override readonly remedy: string = "pass a live, non-empty ArrayBuffer";
}

/** A result buffer does not begin at a multiple of 8. */
export class MisalignedError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_MISALIGNED";
  /** What is wrong, in words. */
  static override readonly condition: string = "a result buffer is not aligned to 8 bytes";
  /** What to do about it, in words. */
  static override readonly remedy: string = "pass an ArrayBuffer of its own in place of a view into another";
}

/** A buffer is smaller than what has to go into it. */
export class BufferTooSmallError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_BUFFER_TOO_SMALL";
  /** What is wrong, in words. */
  static override readonly condition: string = "the buffer is too small";
  /** What to do about it, in words. */
  static override readonly remedy: string = "pass a buffer of at least as many bytes as the limit says";
}

/** A service, stream or runtime name is empty. */
export class NameEmptyError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_NAME_EMPTY";
  /** What is wrong, in words. */
  static override readonly condition: string = "the name is empty";
  /** What to do about it, in words. */
  static override readonly remedy: string = "give a name of 1 to 100 bytes";
}

/** A service, stream or runtime name has more than 100 bytes in UTF-8. */
export class NameTooLongError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_NAME_TOO_LONG";
  /** What is wrong, in words. */
  static override readonly condition: string = "the name has too many bytes in UTF-8";
  /** What to do about it, in words. */
  static override readonly remedy: string = "shorten it; longer names would be cut, and two streams could become one";
}

/** A name holds a control character, is not well-formed Unicode, or has a character that the stack cannot carry. */
export class NameInvalidError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_NAME_INVALID";
  /** What is wrong, in words. */
  static override readonly condition: string = "the name holds a NUL or another control character, or a lone surrogate";
  /** What to do about it, in words. */
  static override readonly remedy: string =
    "use printable characters and no comma, in a runtime name letters, digits, '_', '-', ':' and '.' only";
}

/** A native handle never existed or is of another kind. */
export class BadHandleError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_BAD_HANDLE";
  /** What is wrong, in words. */
  static override readonly condition: string = "the native handle never existed or is of another kind";
  /** What to do about it, in words. */
  static override readonly remedy: string = "use the object that opened it, in the process that opened it";
}

/** The object was used after it was closed. */
export class ClosedError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_CLOSED";
  /** What is wrong, in words. */
  static override readonly condition: string = "it is closed";
  /** What to do about it, in words. */
  static override readonly remedy: string = "make a new one, or close it after its last use";
}

/** A native object was used by another Worker than the one that made it. */
export class WrongThreadError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_WRONG_THREAD";
  /** What is wrong, in words. */
  static override readonly condition: string = "it belongs to another Worker";
  /** What to do about it, in words. */
  static override readonly remedy: string = "open a runtime, broadcasters and subscribers of its own in each Worker";
}

/** A publisher of the stream serves no further subscriber port. */
export class StreamFullError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_STREAM_FULL";
  /** What is wrong, in words. */
  static override readonly condition: string = "a publisher of the stream serves no further subscriber port";
  /** What to do about it, in words. */
  static override readonly remedy: string =
    "subscribe several times in one Worker, which shares one port, or split the stream";
}

/** A publisher has as many loans out as it may. */
export class TooManyLoansError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_TOO_MANY_LOANS";
  /** What is wrong, in words. */
  static override readonly condition: string = "too many loans are out at once";
  /** What to do about it, in words. */
  static override readonly remedy: string = "publish or discard a loan before asking for the next";
}

/** A native subscriber port holds as many blocks as it may. */
export class TooManyHeldError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_TOO_MANY_HELD";
  /** What is wrong, in words. */
  static override readonly condition: string = "too many blocks are held at once";
  /** What to do about it, in words. */
  static override readonly remedy: string = "release blocks before taking more, or copy what must be kept";
}

/** No pool of the daemon has chunks of the size of a block; value is the bytes needed. */
export class BlockTooLargeError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_BLOCK_TOO_LARGE";
  /** What is wrong, in words. */
  static override readonly condition: string = "no memory pool of the daemon has chunks of this size";
  /** What to do about it, in words. */
  static override readonly remedy: string =
    'configure a pool with chunks of 8320 bytes, or open the runtime with roudi: "spawn"';
}

/** A loan was published or discarded before. */
export class NotLoanedError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_NOT_LOANED";
  /** What is wrong, in words. */
  static override readonly condition: string = "this loan was published or discarded before";
  /** What to do about it, in words. */
  static override readonly remedy: string = "publish or discard each loan once";
}

/** A block was given back before. */
export class NotHeldError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_NOT_HELD";
  /** What is wrong, in words. */
  static override readonly condition: string = "this block was given back before";
  /** What to do about it, in words. */
  static override readonly remedy: string = "release each block once";
}

/** A queue capacity is out of its range. */
export class QueueCapacityError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_CAPACITY";
  /** What is wrong, in words. */
  static override readonly condition: string = "the queue capacity is out of its range";
  /** What to do about it, in words. */
  static override readonly remedy: string = "choose a capacity from 1 to 256";
}

/** A history is out of its range. */
export class HistoryError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_HISTORY";
  /** What is wrong, in words. */
  static override readonly condition: string = "the history is out of its range";
  /** What to do about it, in words. */
  static override readonly remedy: string = "choose a history from 0 to 16";
}

/** A peer sent a chunk that is no block: another size or alignment. It was given back. */
export class ForeignChunkError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_FOREIGN_CHUNK";
  /** What is wrong, in words. */
  static override readonly condition: string = "a peer sent a chunk of another size or alignment, which was given back";
  /** What to do about it, in words. */
  static override readonly remedy: string = "let each publisher of the stream send blocks of 8192 bytes aligned to 64";
}

/** A stream carries another type of payload than this runtime's. */
export class ServiceTypeError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_SERVICE_TYPE";
  /** What is wrong, in words. */
  static override readonly condition: string = "the stream carries another type of payload";
  /** What to do about it, in words. */
  static override readonly remedy: string =
    "let all peers declare the same type name, 8192 bytes and an alignment of 64; the runtime's option typeName tells ours";
}

/** What the stack keeps of a stream is unusable, or belongs to another version of it. */
export class ServiceDamagedError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_SERVICE_DAMAGED";
  /** What is wrong, in words. */
  static override readonly condition: string =
    "what the stack keeps of the stream is damaged, or belongs to another version of iceoryx2";
  /** What to do about it, in words. */
  static override readonly remedy: string =
    "use one version of iceoryx2 under one root and prefix; after a process was killed at the wrong moment, heal the service";
}

/** The action needs the loan back that is still out. */
export class LoanOutstandingError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_LOAN_OUTSTANDING";
  /** What is wrong, in words. */
  static override readonly condition: string = "a loan is still out";
  /** What to do about it, in words. */
  static override readonly remedy: string = "publish or discard it before";
}

/** A subscriber holds as many blocks as it may. */
export class HeldLimitError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_HELD_LIMIT";
  /** What is wrong, in words. */
  static override readonly condition: string = "the subscriber holds too many blocks";
  /** What to do about it, in words. */
  static override readonly remedy: string = "release blocks before receiving more, or copy what must be kept";
}

/** The stream has as many subscribers as its configuration allows. */
export class SubscriberLimitError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_SUBSCRIBER_LIMIT";
  /** What is wrong, in words. */
  static override readonly condition: string = "the stream has as many subscribers as maxSubscribers allows";
  /** What to do about it, in words. */
  static override readonly remedy: string =
    "raise maxSubscribers in the BroadcastConfig, or close subscribers that are not needed";
}

/** A subscriber wants every block of a stream whose broadcaster waits for nobody. */
export class DeliveryMismatchError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_DELIVERY_MISMATCH";
  /** What is wrong, in words. */
  static override readonly condition: string = "a broadcaster of the stream is lossy and does not wait for subscribers";
  /** What to do about it, in words. */
  static override readonly remedy: string = 'subscribe with `delivery: "lossy"`, or make the broadcaster lossless';
}

/** The subscriber is read by another loop already. */
export class IterationError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_ITERATION";
  /** What is wrong, in words. */
  static override readonly condition: string = "another loop reads this subscriber already";
  /** What to do about it, in words. */
  static override readonly remedy: string = "make one subscriber for each loop";
}
