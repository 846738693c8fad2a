// SPDX-License-Identifier: Apache-2.0
//
// How the type of a field, written as text, becomes TypeScript types. Nothing here exists at run time.

/** The TypeScript type of each scalar field type. */
export interface ScalarValues {
  /** Signed 8-bit integer. */
  i8: number;
  /** Signed 16-bit integer. */
  i16: number;
  /** Signed 32-bit integer. */
  i32: number;
  /** Signed 64-bit integer. */
  i64: bigint;
  /** Unsigned 8-bit integer. */
  u8: number;
  /** Unsigned 16-bit integer. */
  u16: number;
  /** Unsigned 32-bit integer. */
  u32: number;
  /** Unsigned 64-bit integer. */
  u64: bigint;
  /** 32-bit float. */
  f32: number;
  /** 64-bit float. */
  f64: number;
  /** One byte, 0 or 1; any byte but 0 reads as true. */
  bool: boolean;
}

/** A scalar field type: `i8` to `i64`, `u8` to `u64`, `f32`, `f64`, `bool`. */
export type ScalarType = keyof ScalarValues;

/** The 64-bit integers, which are read as `bigint` and, beside it, as `number`. */
export type WideType = "i64" | "u64";

/** A field type: a scalar, a text `char[N]` of N bytes, or a fixed array such as `f64[10]`. */
export type FieldType = ScalarType | `char[${number}]` | `${ScalarType}[${number}]`;

/** The fields of a record: names and types, in the order in which they lie in memory. */
export type RecordFields = { readonly [name: string]: FieldType };

/** An array field, read in place. It belongs to its record and moves with it. */
export interface ArrayField<T> extends Iterable<T> {
  /** Elements. */
  readonly length: number;
  /**
   * One element.
   *
   * @param index 0 to length - 1, or -1 for the last, -2 for the one before it, and so on.
   * @returns The element.
   * @throws {ArgumentError} When the index is outside.
   */
  at(index: number): T;
  /**
   * A copy of all elements.
   *
   * @returns The elements.
   */
  toArray(): T[];
}

/** An array field of 64-bit integers, which can be read as numbers, too. */
export interface WideArrayField extends ArrayField<bigint> {
  /**
   * One element as a number, exact up to 2^53 and rounded beyond. Allocates nothing.
   *
   * @param index 0 to length - 1, or negative from the end.
   * @returns The element.
   * @throws {ArgumentError} When the index is outside.
   */
  numberAt(index: number): number;
}

/** What the getter of a field returns. */
export type FieldRead<T extends FieldType> = T extends ScalarType ? ScalarValues[T]
  : T extends `char[${number}]` ? string
  : T extends `${WideType}[${number}]` ? WideArrayField
  : T extends `${infer S extends ScalarType}[${number}]` ? ArrayField<ScalarValues[S]>
  : never;

/** What a copy of a record holds for a field. */
export type FieldObject<T extends FieldType> = T extends ScalarType ? ScalarValues[T]
  : T extends `char[${number}]` ? string
  : T extends `${infer S extends ScalarType}[${number}]` ? ScalarValues[S][]
  : never;

/** What can be written to a scalar: 64-bit integers take a bigint, or a number that is a safe integer. */
export type ScalarWrite<S extends ScalarType> = S extends WideType ? bigint | number : ScalarValues[S];

/** What can be written to a field. */
export type FieldWrite<T extends FieldType> = T extends ScalarType ? ScalarWrite<T>
  : T extends `char[${number}]` ? string
  : T extends `${infer S extends ScalarType}[${number}]` ? ArrayLike<ScalarWrite<S>>
  : never;

/** The name of the number getter of a 64-bit field: `timestampNs` has `timestampMs`, `volume` has `volumeNumber`. */
export type NumberName<K extends string> = K extends `${infer Base}Ns` ? `${Base}Ms` : `${K}Number`;

/** The number getters of the 64-bit fields. `...Ms` is in milliseconds with a fraction, `...Number` is rounded past 2^53. */
export type NumberGetters<F extends RecordFields> = {
  readonly [K in keyof F as F[K] extends WideType ? NumberName<K & string> : never]: number;
};

/** Comparing a text field without making a string of it: `symbolEquals("ES")`. */
export type TextTests<F extends RecordFields> = {
  readonly [K in keyof F as F[K] extends `char[${number}]` ? `${K & string}Equals` : never]: (text: string) => boolean;
};

/** The bytes of a text field as little-endian 32-bit words: `symbolWord(0)` holds the first four. */
export type TextWords<F extends RecordFields> = {
  readonly [K in keyof F as F[K] extends `char[${number}]` ? `${K & string}Word` : never]: (index: number) => number;
};

/** A copy of a record: a plain object that stays as it is. */
export type RecordObject<F extends RecordFields> = { -readonly [K in keyof F]: FieldObject<F[K]> };

/** What a record is written from: a value for each field, no more and no less. */
export type RecordWrite<F extends RecordFields> = { readonly [K in keyof F]: FieldWrite<F[K]> };

/**
 * A record read in place: a getter for each field that reads the block's memory when it is called.
 *
 * The object is a flyweight: one and the same for all records of a loop, moved from one to the next. Keep `toObject()`, not it.
 */
export type RecordRead<F extends RecordFields> =
  & { readonly [K in keyof F]: FieldRead<F[K]> }
  & NumberGetters<F>
  & TextTests<F>
  & TextWords<F>
  & {
    /** A copy of the record as a plain object. */
    toObject(): RecordObject<F>;
  };
