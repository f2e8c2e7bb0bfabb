// What has to become of each situation, for the conformance suite.
import assert from "node:assert/strict";
import type { ErrorReport, RecoveryAction } from "@recourse-dev/recourse";
import type { Outcome } from "./main.js";

const checks: Record<string, (outcome: Outcome) => void> = {
  answer: ({ answers, mark }) => {
    assert.match(answers.join(), /Oslo/);
    assert.equal(mark, undefined);
  },
  "not-understood": (outcome) => {
    const report = failed(outcome, "INTENT_NOT_UNDERSTOOD");
    assert.equal(report.suggestion, "Try rephrasing your request more clearly.");
    has(report, "fixFields");
  },
  fields: (outcome) => {
    const fix = has(failed(outcome, "FIELDS_INVALID"), "fixFields");
    assert.deepEqual(
      fix.fixes.map((f) => f.field),
      ["query", "request_id"],
    );
  },
  "token-expired": (outcome) => void has(failed(outcome, "TOKEN_EXPIRED"), "reauthenticate"),
  quota: (outcome) => {
    const report = failed(outcome, "QUOTA_USED_UP");
    has(report, "waitForQuota");
    assert.ok((report.retryDelayMs ?? 0) > 0, "no delay");
  },
  "breaks-off": (outcome) => {
    const report = failed(outcome, "TEXT_BROKE_OFF");
    assert.ok(outcome.answers.length > 0, "no piece came");
    assert.equal(report.metadata.get("nextPosition"), String(outcome.answers.length));
  },
  sound: (outcome) => void failed(outcome, "SOUND_NOT_SUPPORTED"),
  "chat-full": (outcome) => {
    failed(outcome, "CHAT_FULL");
    assert.equal(outcome.answers.length, 3);
  },
  bug: (outcome) => {
    const report = failed(outcome, "ASYNC_UNEXPECTED_FAILED");
    has(report, "contactSupport");
    assert.notEqual(report.requestId, "");
  },
  degraded: ({ answers, mark }) => {
    assert.notEqual(answers.join(), "");
    assert.ok(mark, "the answer is not marked");
  },
};

/** check writes whether a situation ended as it has to. */
export function check(name: string, outcome: Outcome): void {
  try {
    checks[name]!(outcome);
    console.log(`ok example/${name}`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`not ok example/${name} # ${String(error).replace(/\s+/g, " ")}`);
  }
}

function failed({ report }: Outcome, errorCode: string): ErrorReport {
  assert.equal(report?.errorCode, errorCode);
  return report;
}

type Action = RecoveryAction["action"];
type Body<C extends Action["case"]> = Extract<Action, { case: C }> extends { value: infer V } ? V : never;

function has<C extends NonNullable<Action["case"]>>(report: ErrorReport, kind: C): Body<C> {
  const found = report.actions.find((a) => a.action.case === kind);
  assert.ok(found, `no action ${kind}`);
  return found.action.value as Body<C>;
}
