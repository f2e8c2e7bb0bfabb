import { DegradedSchema, Degraded_Kind as Kind } from "../gen/recourse/v1/degraded_pb.js";
import { tidyActions } from "./actions.js";
import { binary, has, text, type MetadataLike } from "./metadata.js";
import { maxDomain, maxErrorCode, maxMessage, milliseconds, valueOf } from "./read.js";
import type { DegradedReport } from "./report.js";
import { clean } from "./text.js";
import { decode } from "./wire.js";

const keyMark = "recourse-degraded-bin";
const keyText = "recourse-degraded";
const maxMark = 8192;
const maxSource = 64;

const nothingSaid: DegradedReport = {
  kind: Kind.UNSPECIFIED,
  errorCode: "",
  domain: "",
  suggestion: "",
  actions: [],
  ageMs: undefined,
  source: "not said",
};

/**
 * Reads the mark of a call that succeeded, from its trailers; undefined where the answer is the real one. Headers have
 * the same mark where the server knew early.
 */
export function readDegraded(trailers: MetadataLike): DegradedReport | undefined {
  const mark = binary(trailers, keyMark);
  const degraded = mark === undefined || mark.length > maxMark ? undefined : decode(DegradedSchema, mark);
  if (degraded !== undefined) {
    const errorCode = clean(degraded.errorCode, maxErrorCode);
    const age = milliseconds(degraded.age);
    const report: DegradedReport = {
      kind: degraded.kind in Kind ? degraded.kind : Kind.UNSPECIFIED,
      errorCode,
      domain: errorCode === "" ? "" : clean(degraded.domain, maxDomain),
      suggestion: clean(degraded.suggestion, maxMessage),
      actions: tidyActions(degraded.recoveryActions),
      ageMs: age === undefined || age < 0 ? undefined : age,
      source: clean(degraded.source, maxSource),
    };
    return saysNothing(report) ? nothingSaid : report;
  }
  if (!has(trailers, keyMark) && !has(trailers, keyText)) {
    return undefined;
  }
  const kind = (text(trailers, keyText) ?? "").split(";", 1)[0]!.trim().toUpperCase();
  return { ...nothingSaid, kind: valueOf(Kind, kind) ?? Kind.UNSPECIFIED };
}

function saysNothing(report: DegradedReport): boolean {
  const { kind, errorCode, suggestion, actions, ageMs, source } = report;
  return (
    kind === Kind.UNSPECIFIED && ageMs === undefined && actions.length === 0 && errorCode + suggestion + source === ""
  );
}
