// SPDX-License-Identifier: Apache-2.0
import { IpcError } from "./base.ts";

/** A length of data does not match the count and the size of its records. */
export class RecordSizeError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_RECORD_SIZE";
  /** What is wrong, in words. */
  static override readonly condition: string = "the length does not match the records";
  /** What to do about it, in words. */
  static override readonly remedy: string = "give exactly record count times record size bytes";
}

/** A record cannot be defined like this. */
export class SchemaError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_SCHEMA";
  /** What is wrong, in words. */
  static override readonly condition: string = "the definition is not valid";
  /** What to do about it, in words. */
  static override readonly remedy: string = "correct the field or option that the message names";
}

/** The records of a block were written with another schema than the one they are read with. */
export class SchemaMismatchError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_SCHEMA_MISMATCH";
  /** What is wrong, in words. */
  static override readonly condition: string = "the block holds records of another schema";
  /** What to do about it, in words. */
  static override readonly remedy: string = "read it with the schema it was written with";
}

/** Two different definitions of this process have the same schema id. */
export class SchemaCollisionError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_SCHEMA_COLLISION";
  /** What is wrong, in words. */
  static override readonly condition: string = "another definition of this process has the same schema id";
  /** What to do about it, in words. */
  static override readonly remedy: string = "rename one of the records, which changes its id";
}

/** A value does not fit the field it was given for. */
export class FieldValueError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_FIELD_VALUE";
  /** What is wrong, in words. */
  static override readonly condition: string = "the value does not fit the field";
  /** What to do about it, in words. */
  static override readonly remedy: string = "give a value of the type and range of the field";
}
