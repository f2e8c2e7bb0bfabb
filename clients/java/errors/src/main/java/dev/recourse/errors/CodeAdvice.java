package dev.recourse.errors;

import com.google.protobuf.Message;
import dev.recourse.v1.ContactSupport;
import dev.recourse.v1.FixFields;
import dev.recourse.v1.Reauthenticate;
import dev.recourse.v1.RecoveryAction;
import dev.recourse.v1.RecoveryAction.Actor;
import dev.recourse.v1.Refresh;
import dev.recourse.v1.RequestAccess;
import dev.recourse.v1.RestartTransaction;
import dev.recourse.v1.RetryAdvice.Verdict;
import dev.recourse.v1.RetryAfter;
import dev.recourse.v1.UpgradeClient;
import dev.recourse.v1.WaitForQuota;
import io.grpc.Status;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** What a gRPC code alone tells a caller. No action names a field, a resource or a link: the code does not know them. */
final class CodeAdvice {
  private static final Map<Status.Code, CodeAdvice> BY_CODE = new EnumMap<>(Status.Code.class);

  private static final String LATER = "Try again in a few moments or check system status.";
  private static final CodeAdvice FINAL = new CodeAdvice(Verdict.VERDICT_NEVER, "Repeating the request will not help now.");

  static {
    CodeAdvice report = new CodeAdvice(Verdict.VERDICT_NEVER, "Please report this issue to support.",
        Actor.ACTOR_END_USER, "Contact support", ContactSupport.getDefaultInstance());
    BY_CODE.put(Status.Code.CANCELLED, new CodeAdvice(Verdict.VERDICT_NEVER, "Nothing to do: the call was cancelled."));
    BY_CODE.put(Status.Code.UNKNOWN, report);
    BY_CODE.put(Status.Code.INVALID_ARGUMENT, new CodeAdvice(Verdict.VERDICT_AFTER_ACTION,
        "Correct the request and send it again.",
        Actor.ACTOR_CALLER_CODE, "Correct the request", FixFields.getDefaultInstance()));
    BY_CODE.put(Status.Code.DEADLINE_EXCEEDED, new CodeAdvice(Verdict.VERDICT_NEVER, LATER));
    BY_CODE.put(Status.Code.NOT_FOUND, new CodeAdvice(Verdict.VERDICT_NEVER, "Check the name or id and try again."));
    BY_CODE.put(Status.Code.ALREADY_EXISTS, new CodeAdvice(Verdict.VERDICT_NEVER,
        "Use what exists already, or choose another name."));
    BY_CODE.put(Status.Code.PERMISSION_DENIED, new CodeAdvice(Verdict.VERDICT_AFTER_ACTION, "Ask an administrator for access.",
        Actor.ACTOR_ADMIN, "Request access", RequestAccess.getDefaultInstance()));
    BY_CODE.put(Status.Code.RESOURCE_EXHAUSTED, new CodeAdvice(Verdict.VERDICT_NEVER,
        "Wait before you try again, or ask for a higher limit.",
        Actor.ACTOR_CALLER_CODE, "Wait for the limit to renew", WaitForQuota.getDefaultInstance()));
    BY_CODE.put(Status.Code.FAILED_PRECONDITION, new CodeAdvice(Verdict.VERDICT_AFTER_ACTION,
        "Bring the system into the state that the request needs, then send it again.",
        Actor.ACTOR_CALLER_CODE, "Read the current state", Refresh.getDefaultInstance()));
    BY_CODE.put(Status.Code.ABORTED, new CodeAdvice(Verdict.VERDICT_AT_HIGHER_LEVEL, "Start the whole operation again.",
        Actor.ACTOR_CALLER_CODE, "Restart the transaction", RestartTransaction.getDefaultInstance()));
    BY_CODE.put(Status.Code.OUT_OF_RANGE, new CodeAdvice(Verdict.VERDICT_AFTER_ACTION,
        "Correct the value and send the request again.",
        Actor.ACTOR_CALLER_CODE, "Correct the value", FixFields.getDefaultInstance()));
    BY_CODE.put(Status.Code.UNIMPLEMENTED, new CodeAdvice(Verdict.VERDICT_NEVER,
        "Check the version of the client and of the server.",
        Actor.ACTOR_SERVICE_OWNER, "Update the client", UpgradeClient.getDefaultInstance()));
    BY_CODE.put(Status.Code.INTERNAL, report);
    BY_CODE.put(Status.Code.UNAVAILABLE, new CodeAdvice(Verdict.VERDICT_SAME_REQUEST, LATER,
        Actor.ACTOR_CLIENT, "Try again", RetryAfter.getDefaultInstance()));
    BY_CODE.put(Status.Code.DATA_LOSS, report);
    BY_CODE.put(Status.Code.UNAUTHENTICATED, new CodeAdvice(Verdict.VERDICT_AFTER_ACTION, "Sign in again.",
        Actor.ACTOR_END_USER, "Sign in again", Reauthenticate.getDefaultInstance()));
  }

  final Verdict verdict;
  final String suggestion;
  final List<RecoveryAction> actions;

  private CodeAdvice(Verdict verdict, String suggestion) {
    this.verdict = verdict;
    this.suggestion = suggestion;
    this.actions = Collections.emptyList();
  }

  private CodeAdvice(Verdict verdict, String suggestion, Actor actor, String label, Message action) {
    this.verdict = verdict;
    this.suggestion = suggestion;
    this.actions = Collections.singletonList(Actions.make(actor, label, action));
  }

  static CodeAdvice of(Status.Code code) {
    return BY_CODE.get(code);
  }

  /** The advice to give where the error states a verdict: what contradicts that helps nobody. */
  CodeAdvice given(Verdict stated) {
    if (stated == verdict) {
      return this;
    }
    switch (stated) {
      case VERDICT_SAME_REQUEST:
        boolean other = verdict == Verdict.VERDICT_AFTER_ACTION || verdict == Verdict.VERDICT_AT_HIGHER_LEVEL;
        return other ? of(Status.Code.UNAVAILABLE) : this;
      case VERDICT_AT_HIGHER_LEVEL:
        return of(Status.Code.ABORTED);
      case VERDICT_NEVER: // which UNKNOWN, INTERNAL and DATA_LOSS say themselves
        return FINAL;
      default:
        return this;
    }
  }
}
