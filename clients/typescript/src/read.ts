import { create } from "@bufbuild/protobuf";
import { AnySchema, type Any, type Duration } from "@bufbuild/protobuf/wkt";
import { WireType } from "@bufbuild/protobuf/wire";
import { Code } from "../gen/google/rpc/code_pb.js";
import { RequestInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../gen/google/rpc/status_pb.js";
import {
  ErrorDetailSchema,
  Outcome,
  RetryAdvice_Verdict as Verdict,
  RetryAdvice_Why as Why,
  type ErrorDetail,
} from "../gen/recourse/v1/error_detail_pb.js";
import {
  RecoveryAction_Actor as Actor,
  RecoveryActionSchema,
  type RecoveryAction,
} from "../gen/recourse/v1/recovery_action_pb.js";
import { tidyActions } from "./actions.js";
import { adviceOf, failureCode, guidance } from "./codes.js";
import type { ErrorReport } from "./report.js";
import { byteLength, clean, compareBytes, decodeText } from "./text.js";
import { decode, join, split } from "./wire.js";

export const maxMessage = 256;
export const maxErrorCode = 63;
export const maxDomain = 253;
const maxRequestId = 128;
const maxMetadataKey = 64;
const maxMetadata = 64;
const maxDetails = 32;
const maxReceived = 64 * 1024;

/** FailedCall is what a gRPC library hands over of a call that has failed. */
export interface FailedCall {
  readonly code: number;
  readonly message: string;

  /** The value of grpc-status-details-bin. */
  readonly status?: Uint8Array | undefined;

  /** Details that came without a google.rpc.Status around them. */
  readonly details?: readonly Any[];

  /** The trailer x-request-id. */
  readonly requestId?: string | undefined;
}

/** read reports on a failed call, whatever the server has sent. */
export function read(call: FailedCall): ErrorReport {
  const code = failureCode(call.code);
  const decoded = call.status === undefined ? undefined : decode(StatusSchema, call.status);
  const status = decoded?.code === call.code ? decoded : undefined; // else it is of another error
  const details = received(status?.details ?? call.details ?? []);

  const info = errorInfo(details);
  const said = statements(details, info);
  const stated = said.verdict;
  const outcome = said.outcome;
  const retryDelayMs = retryDelay(details);
  const usual = guidance(code, stated);
  const actions = said.actions.length > 0 ? said.actions : usual.actions.map((a) => create(RecoveryActionSchema, a));

  return {
    code,
    errorCode: said.errorCode || Code[code],
    domain: said.domain,
    message: clean(status?.message ?? call.message, maxMessage),
    metadata: info.metadata,
    suggestion: said.suggestion || usual.suggestion,
    actions: stated === Verdict.NEVER ? actions.filter((a) => !isOwnRetry(a)) : actions,
    actionRequired: said.actions.some((a) => a.required && a.action.case !== "retryAfter"),
    verdict: stated || assumedVerdict(code, outcome, retryDelayMs),
    why: said.why,
    attempts: said.attempts,
    outcome: outcome || assumedOutcome(code),
    retryDelayMs,
    requestId: requestId(details) || clean(call.requestId ?? "", maxRequestId),
    operation: said.operation,
    details,
  };
}

function isOwnRetry(action: RecoveryAction): boolean {
  return action.action.case === "retryAfter" && action.actor === Actor.CLIENT;
}

function assumedVerdict(code: Code, outcome: Outcome, retryDelayMs: number | undefined): Verdict {
  const again =
    (code === Code.RESOURCE_EXHAUSTED && retryDelayMs !== undefined) ||
    (code === Code.DEADLINE_EXCEEDED && outcome === Outcome.NOT_APPLIED);
  return again ? Verdict.SAME_REQUEST : adviceOf(failureCode(code)).verdict;
}

function assumedOutcome(code: Code): Outcome {
  const left = code === Code.CANCELLED || code === Code.DEADLINE_EXCEEDED;
  return left ? Outcome.INDETERMINATE : Outcome.UNSPECIFIED;
}

// received is what a reader takes of the details from a stranger.
function received(details: readonly Any[]): Any[] {
  const taken: Any[] = [];
  let size = 0;
  for (const detail of details.slice(0, maxDetails)) {
    size += byteLength(detail.typeUrl) + detail.value.length;
    if (size > maxReceived) {
      break;
    }
    taken.push(detail);
  }
  return taken;
}

// named yields the values of the details of a type, whatever host stands before its name.
function named(details: readonly Any[], typeName: string): Uint8Array[] {
  return details.filter((d) => d.typeUrl.slice(d.typeUrl.lastIndexOf("/") + 1) === typeName).map((d) => d.value);
}

interface Info {
  readonly errorCode: string;
  readonly domain: string;
  readonly metadata: ReadonlyMap<string, string>;
}

// Keys under which outcome and verdict stand in the metadata where the ErrorDetail is left out.
const keyOutcome = "recourseOutcome";
const keyVerdict = "recourseRetry";

function errorInfo(details: readonly Any[]): Info {
  for (const bytes of named(details, "google.rpc.ErrorInfo")) {
    try {
      return parseErrorInfo(bytes);
    } catch {
      // Passed over, as every detail that does not decode.
    }
  }
  return noInfo;
}

const noInfo: Info = { errorCode: "", domain: "", metadata: new Map() };

// parseErrorInfo reads by hand: an object, which protobuf-es makes of a map, has no place for every key.
function parseErrorInfo(bytes: Uint8Array): Info {
  const fields = texts(bytes);
  const entries = new Map<string, string>();
  for (const entry of fields.get(3) ?? []) {
    const parts = texts(entry);
    entries.set(lastText(parts.get(1)), lastText(parts.get(2)));
  }
  const kept = [...entries].filter(([key, value]) => {
    const fits = key !== "" && byteLength(key) <= maxMetadataKey && clean(key) === key;
    return fits && !((key === keyOutcome || key === keyVerdict) && byteLength(value) > maxMetadataKey);
  });
  kept.sort(([a], [b]) => compareBytes(a, b));
  return {
    errorCode: clean(lastText(fields.get(1)), maxErrorCode),
    domain: clean(lastText(fields.get(2)), maxDomain),
    metadata: new Map(kept.slice(0, maxMetadata).map(([key, value]) => [key, clean(value)])),
  };
}

// texts is the values of a message's length-delimited fields, by their number.
function texts(bytes: Uint8Array): Map<number, Uint8Array[]> {
  const values = new Map<number, Uint8Array[]>();
  for (const field of split(bytes).filter((f) => f.type === WireType.LengthDelimited)) {
    const before = values.get(field.no);
    if (before === undefined) {
      values.set(field.no, [field.value]);
    } else {
      before.push(field.value);
    }
  }
  return values;
}

function lastText(values: readonly Uint8Array[] = []): string {
  return decodeText(values.at(-1) ?? new Uint8Array());
}

// Statements is what the server has said itself, first of all in its ErrorDetails.
interface Statements {
  errorCode: string;
  domain: string;
  suggestion: string;
  actions: RecoveryAction[];
  advised: boolean;
  verdict: Verdict;
  why: Why;
  attempts: number;
  outcome: Outcome;
  operation: string;
}

function statements(details: readonly Any[], info: Info): Statements {
  const said: Statements = {
    errorCode: info.errorCode,
    domain: info.domain,
    suggestion: "",
    actions: [],
    advised: false,
    verdict: Verdict.UNSPECIFIED,
    why: Why.UNSPECIFIED,
    attempts: 0,
    outcome: Outcome.UNSPECIFIED,
    operation: "",
  };
  for (const value of named(details, "recourse.v1.ErrorDetail")) {
    const detail = decodeErrorDetail(value);
    if (detail !== undefined && identify(said, detail)) {
      add(said, detail);
    }
  }
  if (said.outcome === Outcome.UNSPECIFIED) {
    said.outcome = valueOf(Outcome, info.metadata.get(keyOutcome)) ?? Outcome.UNSPECIFIED;
  }
  const verdict = info.metadata.get(keyVerdict) ?? "";
  if (!said.advised && verdict !== "") {
    said.verdict = valueOf(Verdict, verdict) ?? Verdict.NEVER;
  }
  return said;
}

/** valueOf is the value of an enum by its name, undefined where there is none of that name. */
export function valueOf<T extends number>(of: Readonly<Record<string, string | T>>, name = ""): T | undefined {
  const value = Object.hasOwn(of, name) ? of[name] : undefined;
  return typeof value === "number" ? value : undefined; // an enum of TypeScript has the names of its numbers, too
}

// decodeErrorDetail leaves out an action that does not decode, and the causes, which nobody reads here.
function decodeErrorDetail(bytes: Uint8Array): ErrorDetail | undefined {
  try {
    const fields = split(bytes);
    const { recoveryActions, causes } = ErrorDetailSchema.field;
    const rest = fields.filter((f) => f.no !== recoveryActions.number && f.no !== causes.number);
    const detail = decode(ErrorDetailSchema, join(rest));
    detail?.recoveryActions.push(
      ...fields
        .filter((f) => f.no === recoveryActions.number && f.type === WireType.LengthDelimited)
        .map((f) => decode(RecoveryActionSchema, f.value))
        .filter((a) => a !== undefined),
    );
    return detail;
  } catch {
    return undefined;
  }
}

// identify reports whether a detail speaks of this error, which takes its identity over where it has none itself.
function identify(said: Statements, detail: ErrorDetail): boolean {
  const errorCode = clean(detail.errorCode, maxErrorCode);
  const domain = clean(detail.domain, maxDomain);
  if (said.errorCode === "" && said.domain === "") {
    said.errorCode = errorCode;
    said.domain = domain;
  }
  return said.errorCode === errorCode && said.domain === domain;
}

// add takes over what those before this detail have left empty.
function add(said: Statements, detail: ErrorDetail): void {
  said.suggestion ||= clean(detail.suggestion, maxMessage);
  said.operation ||= clean(detail.operation, maxMessage);
  if (said.actions.length === 0) {
    said.actions = tidyActions(detail.recoveryActions);
  }
  if (said.outcome === Outcome.UNSPECIFIED && detail.outcome in Outcome) {
    said.outcome = detail.outcome;
  }
  if (!said.advised && detail.retry !== undefined) {
    said.advised = true;
    said.verdict = detail.retry.verdict in Verdict ? detail.retry.verdict : Verdict.NEVER;
    said.why = detail.retry.why in Why ? detail.retry.why : Why.UNSPECIFIED;
    said.attempts = detail.retry.attempts;
  }
}

function retryDelay(details: readonly Any[]): number | undefined {
  for (const value of named(details, "google.rpc.RetryInfo")) {
    const ms = milliseconds(decode(RetryInfoSchema, value)?.retryDelay);
    if (ms !== undefined) {
      return Math.max(ms, 0);
    }
  }
  return undefined;
}

// The longest duration of 64 bits of nanoseconds, in milliseconds.
const maxMilliseconds = 9223372036854;

/** milliseconds is a duration, without its fraction of one, -1 for a negative one; undefined for one that is missing or invalid. */
export function milliseconds(duration: Duration | undefined): number | undefined {
  if (duration === undefined) {
    return undefined;
  }
  const seconds = Number(duration.seconds);
  const nanos = duration.nanos;
  if (Math.abs(seconds) > 315_576_000_000 || Math.abs(nanos) >= 1e9 || seconds * nanos < 0) {
    return undefined;
  }
  if (seconds < 0 || nanos < 0) {
    return -1;
  }
  return Math.min(seconds * 1000 + Math.trunc(nanos / 1e6), maxMilliseconds);
}

function requestId(details: readonly Any[]): string {
  for (const value of named(details, "google.rpc.RequestInfo")) {
    const id = clean(decode(RequestInfoSchema, value)?.requestId ?? "", maxRequestId);
    if (id !== "") {
      return id;
    }
  }
  return "";
}

/** detailOf is a detail of which a library has kept the name of the type only. */
export function detailOf(typeName: string, value: Uint8Array): Any {
  return create(AnySchema, { typeUrl: "type.googleapis.com/" + typeName, value });
}
