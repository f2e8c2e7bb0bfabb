// The golden files, and what this reader reports in their terms.
import { toJson, type DescEnum, type DescMessage, type JsonValue, type Message } from "@bufbuild/protobuf";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Degraded_KindSchema } from "../gen/recourse/v1/degraded_pb.js";
import { OutcomeSchema, RetryAdvice_VerdictSchema, RetryAdvice_WhySchema } from "../gen/recourse/v1/error_detail_pb.js";
import { RecoveryAction_ActorSchema } from "../gen/recourse/v1/recovery_action_pb.js";
import {
  Code,
  RecoveryActionSchema,
  type DegradedReport,
  type ErrorReport,
  type RecoveryAction,
} from "../src/index.js";

export interface Golden {
  readonly name: string;
  readonly about: string;
  readonly fileOnly?: string;
  readonly call: {
    readonly code: number;
    readonly message?: string;
    readonly status?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly trailers?: Readonly<Record<string, string>>;
  };
  readonly report: Readonly<Record<string, unknown>>;
}

export function loadGolden(folder: string): Golden[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  if (files.length === 0) {
    throw new Error(`no golden files in ${folder}`);
  }
  return files.sort().map((file) => ({
    name: file.slice(0, -".json".length),
    ...JSON.parse(readFileSync(join(folder, file), "utf8")),
  }));
}

/** differences says where a report is not the golden one; empty where it is. */
export function differences(got: Readonly<Record<string, unknown>>, want: Golden["report"]): string {
  const keys = new Set([...Object.keys(got), ...Object.keys(want)]);
  return [...keys]
    .map((key) => [key, text(key, got[key]), text(key, want[key])])
    .filter(([, a, b]) => a !== b)
    .map(([key, a, b]) => `${key} is ${a}, want ${b}`)
    .join("; ");
}

// text compares as JSON, in which the keys of everything but metadata have no order.
function text(key: string, value: unknown): string {
  return JSON.stringify(key === "metadata" ? value : sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sorted);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, v]) => [key, sorted(v)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** reportOf is the report of a call that failed with an error, or succeeded with or without a mark. */
export function reportOf(error: ErrorReport | undefined, degraded?: DegradedReport): Record<string, unknown> {
  if (error === undefined) {
    return said({ code: Code[Code.OK], degraded: degraded && reportOfDegraded(degraded) });
  }
  const report = said({
    code: Code[error.code],
    errorCode: error.errorCode,
    domain: error.domain,
    message: error.message,
    metadata: error.metadata.size > 0 ? Object.fromEntries(error.metadata) : undefined,
    suggestion: error.suggestion,
    actions: actionsOf(error.actions),
    actionRequired: error.actionRequired,
    verdict: word(RetryAdvice_VerdictSchema, error.verdict),
    why: word(RetryAdvice_WhySchema, error.why),
    attempts: error.attempts,
    outcome: word(OutcomeSchema, error.outcome),
    requestId: error.requestId,
    operation: error.operation,
  });
  return error.retryDelayMs === undefined ? report : { ...report, retryDelayMs: error.retryDelayMs };
}

function reportOfDegraded(degraded: DegradedReport): Record<string, unknown> {
  const { kind, errorCode, domain, suggestion, actions, ageMs, source } = degraded;
  const report = said({
    kind: word(Degraded_KindSchema, kind),
    errorCode,
    domain,
    suggestion,
    actions: actionsOf(actions),
    source,
  });
  return ageMs === undefined ? report : { ...report, ageMs };
}

function actionsOf(actions: readonly RecoveryAction[]): unknown {
  const all = actions.map((a) => {
    const field = RecoveryActionSchema.fields.find((f) => f.oneof !== undefined && f.localName === a.action.case);
    return said({
      type: field?.name,
      actor: word(RecoveryAction_ActorSchema, a.actor),
      label: a.label,
      thenRetry: a.thenRetry,
      required: a.required,
      body: field?.message && bodyOf(field.message, a.action.value!),
    });
  });
  return all.length > 0 ? all : undefined;
}

function bodyOf(desc: DescMessage, value: Message): JsonValue | undefined {
  if (desc.typeName === "google.protobuf.Any") {
    const url = (value as Message & { typeUrl: string }).typeUrl;
    return { type: url.slice(url.lastIndexOf("/") + 1) };
  }
  const json = toJson(desc, value, { useProtoFieldName: true });
  return JSON.stringify(json) === "{}" ? undefined : json;
}

// word is the name of a value without the prefix that all of its enum have, which TypeScript's names lack.
function word(desc: DescEnum, value: number): string | undefined {
  return value === 0 ? undefined : desc.value[value]?.localName;
}

// said leaves out what is empty, zero or false.
function said(report: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(report).filter(([, value]) => Boolean(value)));
}
