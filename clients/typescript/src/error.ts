import { binary, text, type MetadataLike } from "./metadata.js";
import { detailOf, read, type FailedCall } from "./read.js";
import type { ErrorReport } from "./report.js";
import { percentDecode } from "./text.js";

// How far down a chain of causes an error is looked for.
const maxCauses = 10;

/**
 * Reads the error of a failed call: a ServiceError of grpc-js, a ConnectError of Connect, or an error that has one as
 * its cause. Undefined for anything else. Neither throws whatever a server has sent, nor carries anything out.
 */
export function readError(error: unknown): ErrorReport | undefined {
  for (let i = 0; i < maxCauses && typeof error === "object" && error !== null; i++) {
    const call = callOf(error);
    if (call !== undefined) {
      return read(call);
    }
    error = (error as { cause?: unknown }).cause;
  }
  return undefined;
}

// What is read of the errors of both libraries. Neither library is imported: an application has one of them, rarely both.
interface LibraryError {
  code: number;
  metadata: MetadataLike;
  details: unknown;
  rawMessage?: unknown; // of Connect only
}

function callOf(error: object): FailedCall | undefined {
  const { code, metadata, details, rawMessage } = error as Partial<LibraryError>;
  if (typeof code !== "number" || typeof metadata?.get !== "function") {
    return undefined;
  }
  const status = binary(metadata, "grpc-status-details-bin");
  const requestId = text(metadata, "x-request-id");
  if (typeof rawMessage !== "string") {
    return { code, message: typeof details === "string" ? details : "", status, requestId };
  }
  // Connect takes code and message from the details where there are any, and has INTERNAL for a code it does not know.
  // What the call itself said is in the metadata, unless the protocol is not gRPC.
  const sent = Number(text(metadata, "grpc-status"));
  if (Number.isInteger(sent) && sent > 0) {
    return { code: sent, message: percentDecode(text(metadata, "grpc-message") ?? ""), status, requestId };
  }
  return { code, message: rawMessage, details: connectDetails(details), requestId };
}

function connectDetails(details: unknown): ReturnType<typeof detailOf>[] {
  if (!Array.isArray(details)) {
    return [];
  }
  return details
    .filter((d) => typeof d?.type === "string" && d.value instanceof Uint8Array)
    .map((d) => detailOf(d.type, d.value));
}
