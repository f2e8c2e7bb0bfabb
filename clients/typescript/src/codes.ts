import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "../gen/google/rpc/code_pb.js";
import { RetryAdvice_Verdict as Verdict } from "../gen/recourse/v1/error_detail_pb.js";
import { RecoveryAction_Actor as Actor, type RecoveryActionSchema } from "../gen/recourse/v1/recovery_action_pb.js";

type ActionInit = MessageInitShape<typeof RecoveryActionSchema>;

/** Advice is what a code alone tells a caller. */
export interface Advice {
  readonly verdict: Verdict;
  readonly suggestion: string;
  readonly actions: readonly ActionInit[];
}

const later = "Try again in a few moments or check system status.";
const report = "Please report this issue to support.";
const support: ActionInit = {
  actor: Actor.END_USER,
  label: "Contact support",
  action: { case: "contactSupport", value: {} },
};

const advice: Readonly<Record<Exclude<Code, Code.OK>, Advice>> = {
  [Code.CANCELLED]: {
    verdict: Verdict.NEVER,
    suggestion: "Nothing to do: the call was cancelled.",
    actions: [],
  },
  [Code.UNKNOWN]: { verdict: Verdict.NEVER, suggestion: report, actions: [support] },
  [Code.INVALID_ARGUMENT]: {
    verdict: Verdict.AFTER_ACTION,
    suggestion: "Correct the request and send it again.",
    actions: [{ actor: Actor.CALLER_CODE, label: "Correct the request", action: { case: "fixFields", value: {} } }],
  },
  [Code.DEADLINE_EXCEEDED]: { verdict: Verdict.NEVER, suggestion: later, actions: [] },
  [Code.NOT_FOUND]: { verdict: Verdict.NEVER, suggestion: "Check the name or id and try again.", actions: [] },
  [Code.ALREADY_EXISTS]: {
    verdict: Verdict.NEVER,
    suggestion: "Use what exists already, or choose another name.",
    actions: [],
  },
  [Code.PERMISSION_DENIED]: {
    verdict: Verdict.AFTER_ACTION,
    suggestion: "Ask an administrator for access.",
    actions: [{ actor: Actor.ADMIN, label: "Request access", action: { case: "requestAccess", value: {} } }],
  },
  [Code.RESOURCE_EXHAUSTED]: {
    verdict: Verdict.NEVER,
    suggestion: "Wait before you try again, or ask for a higher limit.",
    actions: [
      { actor: Actor.CALLER_CODE, label: "Wait for the limit to renew", action: { case: "waitForQuota", value: {} } },
    ],
  },
  [Code.FAILED_PRECONDITION]: {
    verdict: Verdict.AFTER_ACTION,
    suggestion: "Bring the system into the state that the request needs, then send it again.",
    actions: [{ actor: Actor.CALLER_CODE, label: "Read the current state", action: { case: "refresh", value: {} } }],
  },
  [Code.ABORTED]: {
    verdict: Verdict.AT_HIGHER_LEVEL,
    suggestion: "Start the whole operation again.",
    actions: [
      { actor: Actor.CALLER_CODE, label: "Restart the transaction", action: { case: "restartTransaction", value: {} } },
    ],
  },
  [Code.OUT_OF_RANGE]: {
    verdict: Verdict.AFTER_ACTION,
    suggestion: "Correct the value and send the request again.",
    actions: [{ actor: Actor.CALLER_CODE, label: "Correct the value", action: { case: "fixFields", value: {} } }],
  },
  [Code.UNIMPLEMENTED]: {
    verdict: Verdict.NEVER,
    suggestion: "Check the version of the client and of the server.",
    actions: [{ actor: Actor.SERVICE_OWNER, label: "Update the client", action: { case: "upgradeClient", value: {} } }],
  },
  [Code.INTERNAL]: { verdict: Verdict.NEVER, suggestion: report, actions: [support] },
  [Code.UNAVAILABLE]: {
    verdict: Verdict.SAME_REQUEST,
    suggestion: later,
    actions: [{ actor: Actor.CLIENT, label: "Try again", action: { case: "retryAfter", value: {} } }],
  },
  [Code.DATA_LOSS]: { verdict: Verdict.NEVER, suggestion: report, actions: [support] },
  [Code.UNAUTHENTICATED]: {
    verdict: Verdict.AFTER_ACTION,
    suggestion: "Sign in again.",
    actions: [{ actor: Actor.END_USER, label: "Sign in again", action: { case: "reauthenticate", value: {} } }],
  },
};

/** A code that a failed call can have. */
export type FailureCode = keyof typeof advice;

/** failureCode is a failed call's code as this version knows it. */
export function failureCode(code: number): FailureCode {
  if (code === Code.OK) {
    return Code.INTERNAL; // an error all the same, whatever it says
  }
  return code in advice ? (code as FailureCode) : Code.UNKNOWN;
}

export function adviceOf(code: FailureCode): Advice {
  return advice[code];
}

/** guidance is what to suggest for an error that suggests nothing itself. A stated verdict goes before the code. */
export function guidance(code: FailureCode, stated: Verdict): Pick<Advice, "suggestion" | "actions"> {
  const usual = advice[code];
  if (stated === Verdict.UNSPECIFIED || stated === usual.verdict) {
    return usual;
  }
  switch (stated) {
    case Verdict.SAME_REQUEST: {
      const waits = usual.verdict === Verdict.AFTER_ACTION || usual.verdict === Verdict.AT_HIGHER_LEVEL;
      return waits ? advice[Code.UNAVAILABLE] : usual;
    }
    case Verdict.AT_HIGHER_LEVEL:
      return advice[Code.ABORTED];
    case Verdict.NEVER: // against a code whose own verdict is another, and so none of UNKNOWN, INTERNAL and DATA_LOSS
      return { suggestion: "Repeating the request will not help now.", actions: [] };
    default:
      return usual;
  }
}
