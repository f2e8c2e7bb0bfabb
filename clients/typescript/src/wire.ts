import { fromBinary, ScalarType, type DescField, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { validText } from "./text.js";

/** Field is one field of an encoded message. */
export interface Field {
  readonly no: number;
  readonly type: WireType;
  /** All of it, its tag included. */
  readonly raw: Uint8Array;
  /** The value of a length-delimited field, empty for others. */
  readonly value: Uint8Array;
}

const none = new Uint8Array();

/** split cuts an encoded message into its fields. It throws for bytes that are none. */
export function split(bytes: Uint8Array): Field[] {
  const reader = new BinaryReader(bytes);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [no, type] = reader.tag();
    const behindTag = reader.pos;
    let value: Uint8Array = none;
    if (type === WireType.LengthDelimited) {
      value = reader.bytes();
    } else {
      reader.skip(type, no);
    }
    if (type === WireType.Varint && !isVarint(bytes.subarray(behindTag, reader.pos))) {
      throw new Error("a number of more than 64 bits"); // of which the reader passes over any
    }
    fields.push({ no, type, raw: bytes.subarray(start, reader.pos), value });
  }
  return fields;
}

function isVarint(bytes: Uint8Array): boolean {
  return bytes.length < 10 || (bytes.length === 10 && bytes[9]! <= 1);
}

/** join puts fields together again. */
export function join(fields: readonly Field[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const field of fields) {
    writer.raw(field.raw);
  }
  return writer.finish();
}

// A message from a stranger is not followed any deeper.
const maxNesting = 64;

/** decode decodes a message whatever its texts are; undefined for bytes that are no such message. */
export function decode<Desc extends DescMessage>(desc: Desc, bytes: Uint8Array): MessageShape<Desc> | undefined {
  try {
    return fromBinary(desc, mend(bytes, desc, maxNesting));
  } catch {
    return undefined;
  }
}

// mend copies a message with valid texts, and without the fields whose wire type is not that of their declaration: other
// decoders pass over these, protobuf-es would read them as if they were.
function mend(bytes: Uint8Array, desc: DescMessage, depth: number): Uint8Array {
  if (depth === 0) {
    throw new Error("nested too deeply");
  }
  const writer = new BinaryWriter();
  for (const field of split(bytes)) {
    const declared = desc.fields.find((f) => f.number === field.no);
    if (declared === undefined) {
      writer.raw(field.raw);
      continue;
    }
    const expected = declared.fieldKind === "map" ? WireType.LengthDelimited : wireType(declared);
    const packed = declared.fieldKind === "list" && field.type === WireType.LengthDelimited;
    if (field.type !== expected) {
      writer.raw(packed ? field.raw : none);
    } else if (field.type === WireType.LengthDelimited) {
      writer.tag(field.no, field.type).bytes(mendValue(field.value, declared, depth));
    } else {
      writer.raw(field.raw);
    }
  }
  return writer.finish();
}

function mendValue(value: Uint8Array, field: DescField, depth: number): Uint8Array {
  if (field.fieldKind === "map") {
    return mendEntry(value, field, depth);
  }
  if (field.message !== undefined) {
    return mend(value, field.message, depth - 1);
  }
  return field.scalar === ScalarType.STRING ? validText(value) : value;
}

type MapField = Extract<DescField, { fieldKind: "map" }>;

// An entry of a map has a key and a value; protobuf-es takes anything else in it for one of the two.
function mendEntry(bytes: Uint8Array, field: MapField, depth: number): Uint8Array {
  const writer = new BinaryWriter();
  for (const part of split(bytes)) {
    const expected = part.no === 1 ? scalarType(field.mapKey) : part.no === 2 ? wireType(field) : undefined;
    if (part.type !== expected) {
      continue;
    }
    const scalar = part.no === 1 ? field.mapKey : field.scalar;
    if (part.no === 2 && field.message !== undefined) {
      writer.tag(2, WireType.LengthDelimited).bytes(mend(part.value, field.message, depth - 1));
    } else if (scalar === ScalarType.STRING) {
      writer.tag(part.no, WireType.LengthDelimited).bytes(validText(part.value));
    } else {
      writer.raw(part.raw);
    }
  }
  return writer.finish();
}

// wireType is that of one value of a field, of a map that of its values.
function wireType(field: DescField): WireType {
  if (field.message !== undefined) {
    return WireType.LengthDelimited;
  }
  return field.scalar === undefined ? WireType.Varint : scalarType(field.scalar);
}

function scalarType(type: ScalarType): WireType {
  switch (type) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32;
    default:
      return WireType.Varint;
  }
}
