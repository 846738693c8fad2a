// SPDX-License-Identifier: Apache-2.0
import { IpcError } from "./base.ts";

/** An argument has the wrong type or form. */
export class ArgumentError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_ARGUMENT";
  /** What is wrong, in words. */
  static override readonly condition: string = "an argument has the wrong type or form";
  /** What to do about it, in words. */
  static override readonly remedy: string = "pass what the documentation of the call asks for";
}

/** A field of a configuration is unknown or out of its range. */
export class ConfigError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_CONFIG";
  /** What is wrong, in words. */
  static override readonly condition: string = "a field is unknown or out of its range";
  /** What to do about it, in words. */
  static override readonly remedy: string = "correct the field that the message names";
}

/** What was given is not a block or not bound to one. */
export class NotABlockError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_NOT_A_BLOCK";
  /** What is wrong, in words. */
  static override readonly condition: string = "this is not a block";
  /** What to do about it, in words. */
  static override readonly remedy: string = "use a block that a subscriber gave";
}

/** A block was used after it was released, or after its turn of the loop or its handler ended. */
export class BlockReleasedError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_BLOCK_RELEASED";
  /** What is wrong, in words. */
  static override readonly condition: string = "the block was released";
  /** What to do about it, in words. */
  static override readonly remedy: string =
    "read it before its release, its handler's return or the next turn, or copy what must be kept";
}

/** The data do not fit one block: at most 8160 bytes, 8136 with a checksum. */
export class DataTooLongError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_DATA_TOO_LONG";
  /** What is wrong, in words. */
  static override readonly condition: string = "the data do not fit one block";
  /** What to do about it, in words. */
  static override readonly remedy: string = "send less at once, or use broadcastBatch for records";
}

/** More records were given at once than batchSize allows. */
export class BatchTooLargeError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_BATCH_TOO_LARGE";
  /** What is wrong, in words. */
  static override readonly condition: string = "more records than batchSize were given at once";
  /** What to do about it, in words. */
  static override readonly remedy: string = "split the batch, or raise batchSize in the BroadcastConfig";
}

/** The sequence would pass 2^53 - 1. */
export class SequenceExhaustedError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_SEQUENCE_EXHAUSTED";
  /** What is wrong, in words. */
  static override readonly condition: string = "the sequence would pass 2^53 - 1";
  /** What to do about it, in words. */
  static override readonly remedy: string = "make a new broadcaster, which begins at 0 with an epoch of its own";
}
