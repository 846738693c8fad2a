// SPDX-License-Identifier: Apache-2.0
import { ArgumentError, RecordSizeError, SchemaError } from "../../errors.ts";
import { countBytes, NO_BYTES, partOf } from "../bytes.ts";
import { BLOCK_DATA_SIZE } from "../layout.ts";
import { isMarketDataType, MarketDataType } from "../market_data_type.ts";
import { Window } from "../window.ts";
import { type CompiledRecord, compileRecord, type RecordEncoder } from "./compiled_record.ts";
import type { RecordFields, RecordObject, RecordRead, RecordWrite } from "./field_types.ts";
import { layoutOf, type RecordField, type RecordLayout } from "./record_layout.ts";
import type { BindableView, RecordView } from "./record_view.ts";
import { enterSchema, schemaIdOf } from "./schema_id.ts";

/** How a record is laid out and announced. */
export interface RecordOptions {
  /** Fields follow each other without padding, as with `#pragma pack(1)`. Reading is slower. Default false. */
  readonly pack?: boolean;
  /** The data type of its blocks. Default `MarketDataType.Unknown`. */
  readonly dataType?: MarketDataType;
}

/** The record that a schema reads: `RecordOf<typeof Tick>`. */
export type RecordOf<S> = S extends RecordSchema<infer F> ? RecordRead<F> : never;

/** The values that a schema writes: `RecordValues<typeof Tick>`. */
export type RecordValues<S> = S extends RecordSchema<infer F> ? RecordWrite<F> : never;

let isMade: (value: object) => boolean;
let friend: <F extends RecordFields>(schema: RecordSchema<F>) => CompiledRecord<F>;
let create: <F extends RecordFields>(layout: RecordLayout, id: number, dataType: MarketDataType) => RecordSchema<F>;

/** Memory where a record is brought to from a place of any alignment. */
const scratch = Window.allocate(BLOCK_DATA_SIZE);
/** Memory where a record is built before it goes to one; null while a getter among its values may build another. */
let idleScratch: Window | null = Window.allocate(BLOCK_DATA_SIZE);

/**
 * What a record is made of: its fields, their places in memory, and the code that reads and writes them. Made by
 * {@linkcode defineRecord}.
 */
export class RecordSchema<F extends RecordFields> {
  readonly #layout: RecordLayout;
  readonly #compiled: CompiledRecord<F>;
  readonly #id: number;
  readonly #dataType: MarketDataType;
  #reader: BindableView<F> | null = null;

  static {
    isMade = (value) => #compiled in value;
    friend = (schema) => schema.#compiled;
    create = (layout, id, dataType) => new RecordSchema(layout, id, dataType);
  }

  private constructor(layout: RecordLayout, id: number, dataType: MarketDataType) {
    this.#layout = layout;
    this.#compiled = compileRecord<F>(layout);
    this.#id = id;
    this.#dataType = dataType;
  }

  /** The name it was defined with. */
  get name(): string {
    return this.#layout.name;
  }

  /** Bytes of a record, the padding at its end included. */
  get size(): number {
    return this.#layout.size;
  }

  /** Every record begins at a multiple of this: 1, 2, 4 or 8. */
  get alignment(): number {
    return this.#layout.alignment;
  }

  /** The id that travels in the header of each block: 1 to 65535, the same in every process that has the same definition. */
  get id(): number {
    return this.#id;
  }

  /** The data type of its blocks. */
  get dataType(): MarketDataType {
    return this.#dataType;
  }

  /** The fields in memory order: name, type, offset and size in bytes. */
  get fields(): readonly RecordField[] {
    return this.#layout.fields;
  }

  /**
   * Writes one record into bytes. Nothing is written when a value does not fit.
   *
   * @param target Where to; any alignment.
   * @param byteOffset Where in it.
   * @param values A value for each field, or a record of this schema to copy.
   * @throws {FieldValueError} When a value is missing, unknown, of another type, or outside the field's range.
   * @throws {RecordSizeError} When the record does not lie within the bytes.
   *
   * @example Filling bytes for `broadcast`
   * ```ts
   * import { defineRecord } from "@qaultra/ipc";
   *
   * const Quote = defineRecord("Quote", { bid: "f64", ask: "f64" });
   * const data = new Uint8Array(2 * Quote.size);
   * Quote.write(data, 0, { bid: 1.5, ask: 1.75 });
   * Quote.write(data, Quote.size, { bid: 1.25, ask: 1.5 });
   * ```
   */
  write(target: Uint8Array, byteOffset: number, values: RecordWrite<F> | RecordRead<F>): void {
    this.#checkPlace("write", target, byteOffset);
    const staging = idleScratch ?? Window.allocate(BLOCK_DATA_SIZE);
    idleScratch = null;
    try {
      this.#compiled.encode(staging, 0, values as RecordWrite<F>);
      // A getter among the values may have taken the memory away.
      this.#checkPlace("write", target, byteOffset);
      partOf(target, byteOffset, this.size).set(staging.dataView(0, this.size));
    } finally {
      idleScratch = staging;
    }
  }

  /**
   * Reads one record out of bytes.
   *
   * @param source Where from; any alignment.
   * @param byteOffset Where in it.
   * @returns A copy of the record.
   * @throws {RecordSizeError} When the record does not lie within the bytes.
   *
   * @example Reading what `receive` returned
   * ```ts
   * import { defineRecord } from "@qaultra/ipc";
   *
   * const Quote = defineRecord("Quote", { bid: "f64", ask: "f64" });
   * const data = new Uint8Array(Quote.size);
   * Quote.write(data, 0, { bid: 1.5, ask: 1.75 });
   * console.log(Quote.read(data, 0).ask); // 1.75
   * ```
   */
  read(source: Uint8Array, byteOffset: number = 0): RecordObject<F> {
    this.#checkPlace("read", source, byteOffset);
    scratch.bytes.set(partOf(source, byteOffset, this.size));
    this.#reader ??= this.#compiled.createView();
    this.#reader.bind(scratch, 0, 1);
    return this.#reader.at(0).toObject();
  }

  /**
   * The records in bytes of your own, such as a copy that `receive` returned, read in place.
   *
   * @param source Records one after the other. Where it does not begin at a multiple of 8 it is copied once.
   * @returns A view, valid as long as the bytes are.
   * @throws {RecordSizeError} When the length is not a multiple of the record size.
   *
   * @example Reading records out of bytes
   * ```ts
   * import { defineRecord } from "@qaultra/ipc";
   *
   * const Quote = defineRecord("Quote", { bid: "f64", ask: "f64" });
   * for (const quote of Quote.over(new Uint8Array(5 * Quote.size))) console.log(quote.ask - quote.bid);
   * ```
   */
  over(source: Uint8Array): RecordView<F> {
    const length = countBytes(source);
    if (length === NO_BYTES) throw new ArgumentError(`read ${this.name} records`, { value: source });
    if (length % this.size !== 0) {
      throw new RecordSizeError(`read ${this.name} records of ${this.size} bytes`, { value: length });
    }
    const view = this.#compiled.createView();
    view.bind(windowOver(source, length), 0, length / this.size);
    return view;
  }

  #checkPlace(verb: string, bytes: unknown, byteOffset: unknown): void {
    const action = `${verb} a ${this.name} record of ${this.size} bytes`;
    const length = countBytes(bytes);
    if (length === NO_BYTES) {
      throw new ArgumentError(action, { condition: "the memory is not a Uint8Array", value: bytes });
    }
    if (!Number.isInteger(byteOffset) || (byteOffset as number) < 0 || (byteOffset as number) + this.size > length) {
      throw new RecordSizeError(action, {
        condition: "the record would not lie within the bytes",
        value: byteOffset,
        limit: length - this.size,
      });
    }
  }
}

/** A window over bytes where they are, or, when it could not begin there, over a copy. */
function windowOver(source: Uint8Array, length: number): Window {
  // Bytes whose memory was taken away have none to be looked at.
  if (length === 0) return Window.allocate(0);
  const { buffer, byteOffset } = partOf(source, 0, length);
  if (byteOffset % 8 === 0) return new Window(buffer, true, byteOffset, length);
  const window = Window.allocate(length);
  window.bytes.set(partOf(source, 0, length));
  return window;
}

/** Schemas by layout and data type, so that the same definition again is the same schema. */
const defined = new Map<string, unknown>();

/**
 * Defines a record: a C struct by the names and types of its fields, with natural alignment.
 *
 * Types are `i8` to `i64`, `u8` to `u64`, `f32`, `f64`, `bool`, texts `char[N]` of N bytes, and arrays such as `f64[10]`. A
 * 64-bit integer has two getters: `volume` is an exact bigint, `volumeNumber` a number (rounded past 2^53); of a field that
 * ends in `Ns` the number getter ends in `Ms` and is in milliseconds. A text field `symbol` has `symbolEquals(text)` and
 * `symbolWord(i)`, which make no string. Define a record once, where the module loads: code is generated for it.
 *
 * @param name Its name, a part of the schema id. Letters, digits and underscores.
 * @param fields Names and types in memory order.
 * @param options Packing and data type.
 * @returns The schema; the same one again for the same definition.
 * @throws {SchemaError} When a name, type or option is not valid or a record would have more than 8160 bytes.
 * @throws {SchemaCollisionError} When another definition of this process has the same id.
 *
 * @example A record of your own
 * ```ts
 * import { defineRecord } from "@qaultra/ipc";
 *
 * const Quote = defineRecord("Quote", { timestampNs: "i64", bid: "f64", ask: "f64", symbol: "char[16]" });
 * console.log(Quote.size); // 40
 * ```
 */
export function defineRecord<const F extends RecordFields>(
  name: string,
  fields: F,
  options: RecordOptions = {},
): RecordSchema<F> {
  if (typeof options !== "object" || options === null) {
    throw new SchemaError("define a record", { condition: "the options are not an object", value: options });
  }
  const { pack = false, dataType = MarketDataType.Unknown, ...rest } = options;
  const layout = layoutOf(name, fields, pack === true);
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined || typeof pack !== "boolean" || !isMarketDataType(dataType)) {
    throw new SchemaError(`define the record ${name}`, {
      condition: "an option is unknown, or pack is not a boolean, or dataType is not a MarketDataType",
      value: unknown ?? (typeof pack === "boolean" ? dataType : pack),
    });
  }
  const key = `${dataType} ${layout.text}`;
  const before = defined.get(key);
  if (before !== undefined) return before as RecordSchema<F>;
  const id = schemaIdOf(layout.text);
  enterSchema(id, layout);
  const schema = create<F>(layout, id, dataType);
  defined.set(key, schema);
  return schema;
}

/** Whether a value is a schema, and not only an object that looks like one. */
export function isSchema(value: unknown): value is RecordSchema<RecordFields> {
  return typeof value === "object" && value !== null && isMade(value);
}

/** The code of a schema, for the block that reads it. */
export function compiledOf<F extends RecordFields>(schema: RecordSchema<F>): CompiledRecord<F> {
  return friend(schema);
}

/** The function that writes records of a schema into a block: its data begin at the block's offset + 32. */
export function encoderOf<F extends RecordFields>(schema: RecordSchema<F>): RecordEncoder<F> {
  return friend(schema).encode;
}
