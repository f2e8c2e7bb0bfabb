// A golden file as the two client libraries would hand it over, without a connection.
import { Code as ConnectCode, ConnectError } from "@connectrpc/connect";
import { Metadata, type ServiceError } from "@grpc/grpc-js";
import { readDegraded, readError } from "../src/index.js";
import { reportOf, type Golden } from "./golden.js";

export type Library = "grpc-js" | "connect";

/** readFile is the report of a golden file. */
export function readFile({ call }: Golden, library: Library): Record<string, unknown> {
  const trailers = library === "connect" ? headersOf(call.trailers) : metadataOf(call.trailers);
  if (call.code === 0) {
    return reportOf(undefined, readDegraded(trailers));
  }
  const error = trailers instanceof Metadata ? serviceError(call, trailers) : connectError(call, trailers);
  return reportOf(readError(error));
}

function metadataOf(values: Readonly<Record<string, string>> = {}): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(values)) {
    metadata.add(key, key.endsWith("-bin") ? Buffer.from(value, "base64") : value);
  }
  return metadata;
}

function serviceError(call: Golden["call"], metadata: Metadata): ServiceError {
  if (call.status !== undefined) {
    metadata.add("grpc-status-details-bin", Buffer.from(call.status, "base64"));
  }
  return Object.assign(new Error(`${call.code}: ${call.message}`), {
    code: call.code,
    details: call.message ?? "",
    metadata,
  });
}

function headersOf(values: Readonly<Record<string, string>> = {}): Headers {
  return new Headers(values);
}

function connectError(call: Golden["call"], headers: Headers): ConnectError {
  const known = call.code in ConnectCode;
  headers.set("grpc-status", String(call.code));
  headers.set("grpc-message", encodeURIComponent(call.message ?? ""));
  if (call.status !== undefined) {
    headers.set("grpc-status-details-bin", call.status);
  }
  return new ConnectError(call.message ?? "", known ? call.code : ConnectCode.Internal, headers);
}
