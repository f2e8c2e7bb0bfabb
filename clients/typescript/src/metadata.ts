import { base64Decode } from "@bufbuild/protobuf/wire";

/** Headers of the web, or Metadata of grpc-js. */
export interface MetadataLike {
  get(key: string): string | null | readonly (string | Uint8Array)[];
}

/** has says whether there is a value of a key, be it damaged. */
export function has(metadata: MetadataLike, key: string): boolean {
  return last(metadata, key) !== undefined;
}

/** text is the value of a key; of several that a library keeps apart the last. */
export function text(metadata: MetadataLike, key: string): string | undefined {
  const value = last(metadata, key);
  return typeof value === "string" ? value : undefined;
}

/** binary is the decoded value of a key that ends in -bin, of several the last. */
export function binary(metadata: MetadataLike, key: string): Uint8Array | undefined {
  const value = last(metadata, key);
  if (typeof value !== "string") {
    return value;
  }
  try {
    return base64Decode(value.slice(value.lastIndexOf(",") + 1));
  } catch {
    return undefined;
  }
}

function last(metadata: MetadataLike, key: string): string | Uint8Array | undefined {
  const values = metadata.get(key) ?? undefined;
  return typeof values === "string" ? values : values?.at(-1);
}
