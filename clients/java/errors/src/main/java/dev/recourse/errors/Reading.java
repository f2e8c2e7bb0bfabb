package dev.recourse.errors;

import com.google.protobuf.Duration;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RequestInfo;
import com.google.rpc.RetryInfo;
import dev.recourse.v1.ErrorDetail;
import dev.recourse.v1.Outcome;
import dev.recourse.v1.RecoveryAction;
import dev.recourse.v1.RetryAdvice.Verdict;
import dev.recourse.v1.RetryAdvice.Why;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/** What is found in a call that failed, as it is put together. */
final class Reading {
  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
  private static final Metadata.Key<String> REQUEST_ID = Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);

  // Under which outcome and verdict stand in the metadata of an error that has no ErrorDetail.
  private static final String OUTCOME_KEY = "recourseOutcome";
  private static final String VERDICT_KEY = "recourseRetry";

  private static final int MAX_METADATA = 64;
  private static final int MAX_METADATA_KEY = 64;

  private static final long MAX_DURATION_SECONDS = 315_576_000_000L; // of google.protobuf.Duration
  private static final long MAX_DELAY_MS = 9_223_372_036_854L; // so that toNanos does not overflow

  final Status.Code code;
  final String message;
  final TreeMap<String, String> metadata = new TreeMap<>(Text.BY_CODE_POINT);
  String errorCode = "";
  String domain = "";
  String suggestion = "";
  List<RecoveryAction> actions = new ArrayList<>();
  boolean actionRequired;
  Verdict verdict = Verdict.VERDICT_UNSPECIFIED;
  Why why = Why.WHY_UNSPECIFIED;
  long attempts;
  Outcome outcome = Outcome.OUTCOME_UNSPECIFIED;
  Optional<java.time.Duration> retryDelay = Optional.empty();
  String requestId;
  String operation = "";
  private boolean advised;

  Reading(Status status, Metadata trailers) {
    code = status.isOk() ? Status.Code.INTERNAL : status.getCode();
    Details details = Details.read(code, trailers.get(DETAILS));
    message = Text.clean(details.message().orElse(status.getDescription() == null ? "" : status.getDescription()), Text.MESSAGE);

    details.first(ErrorInfo.getDefaultInstance()).ifPresent(this::readInfo);
    for (ErrorDetail detail : details.all(ErrorDetail.getDefaultInstance())) {
      readDetail(detail);
    }
    readMetadata();
    for (RetryInfo info : details.all(RetryInfo.getDefaultInstance())) {
      if (!retryDelay.isPresent() && info.hasRetryDelay()) {
        retryDelay = duration(info.getRetryDelay()).map(d -> d.isNegative() ? java.time.Duration.ZERO : d);
      }
    }
    requestId = details.all(RequestInfo.getDefaultInstance()).stream()
        .map(info -> Text.clean(info.getRequestId(), Text.REQUEST_ID))
        .filter(id -> !id.isEmpty())
        .findFirst()
        .orElse("");
    if (requestId.isEmpty() && trailers.get(REQUEST_ID) != null) {
      requestId = Text.clean(trailers.get(REQUEST_ID), Text.REQUEST_ID);
    }
    conclude();
  }

  private void readInfo(ErrorInfo info) {
    errorCode = Text.clean(info.getReason(), Text.ERROR_CODE);
    domain = Text.clean(info.getDomain(), Text.DOMAIN);
    info.getMetadataMap().forEach((key, value) -> {
      boolean ours = key.equals(OUTCOME_KEY) || key.equals(VERDICT_KEY);
      if (!key.isEmpty() && key.equals(Text.clean(key, MAX_METADATA_KEY)) && !(ours && Text.size(value) > MAX_METADATA_KEY)) {
        metadata.put(key, Text.clean(value, Text.NO_LIMIT));
      }
    });
    while (metadata.size() > MAX_METADATA) {
      metadata.pollLastEntry();
    }
  }

  /** Passes over a detail that is about another error: somebody between has replaced that, and left the detail behind. */
  private void readDetail(ErrorDetail detail) {
    String itsCode = Text.clean(detail.getErrorCode(), Text.ERROR_CODE);
    String itsDomain = Text.clean(detail.getDomain(), Text.DOMAIN);
    if (errorCode.isEmpty() && domain.isEmpty()) {
      errorCode = itsCode;
      domain = itsDomain;
    }
    if (!errorCode.equals(itsCode) || !domain.equals(itsDomain)) {
      return;
    }
    if (suggestion.isEmpty()) {
      suggestion = Text.clean(detail.getSuggestion(), Text.MESSAGE);
    }
    if (actions.isEmpty()) {
      actions = Actions.tidy(detail.getRecoveryActionsList());
    }
    if (outcome == Outcome.OUTCOME_UNSPECIFIED && detail.getOutcome() != Outcome.UNRECOGNIZED) {
      outcome = detail.getOutcome();
    }
    if (!advised && detail.hasRetry()) {
      advised = true;
      // A verdict invented later can only make a client more careful.
      verdict = detail.getRetry().getVerdict() == Verdict.UNRECOGNIZED ? Verdict.VERDICT_NEVER : detail.getRetry().getVerdict();
      why = detail.getRetry().getWhy() == Why.UNRECOGNIZED ? Why.WHY_UNSPECIFIED : detail.getRetry().getWhy();
      attempts = Integer.toUnsignedLong(detail.getRetry().getAttempts());
    }
    if (operation.isEmpty()) {
      operation = Text.clean(detail.getOperation(), Text.MESSAGE);
    }
  }

  private void readMetadata() {
    String said = metadata.getOrDefault(VERDICT_KEY, "");
    if (!advised && !said.isEmpty()) {
      verdict = named(Verdict.values(), "VERDICT_" + said).orElse(Verdict.VERDICT_NEVER);
    }
    if (outcome == Outcome.OUTCOME_UNSPECIFIED) {
      outcome = named(Outcome.values(), "OUTCOME_" + metadata.getOrDefault(OUTCOME_KEY, "")).orElse(outcome);
    }
  }

  private static <E extends Enum<E>> Optional<E> named(E[] values, String name) {
    for (E value : values) {
      if (value.name().equals(name)) {
        return Optional.of(value);
      }
    }
    return Optional.empty();
  }

  /** Adds what the code says to what the server has. */
  private void conclude() {
    CodeAdvice usual = CodeAdvice.of(code);
    CodeAdvice advice = usual.given(verdict);
    for (RecoveryAction action : actions) {
      actionRequired |= action.getRequired() && !action.hasRetryAfter();
    }
    if (errorCode.isEmpty()) {
      errorCode = code.name();
    }
    if (suggestion.isEmpty()) {
      suggestion = advice.suggestion;
    }
    if (actions.isEmpty()) {
      actions = new ArrayList<>(advice.actions);
    }
    if (verdict == Verdict.VERDICT_NEVER) { // what somebody said before somebody else ruled it out
      actions.removeIf(action -> action.hasRetryAfter() && action.getActor() == RecoveryAction.Actor.ACTOR_CLIENT);
    }
    if (verdict == Verdict.VERDICT_UNSPECIFIED) {
      boolean again = code == Status.Code.RESOURCE_EXHAUSTED && retryDelay.isPresent()
          || code == Status.Code.DEADLINE_EXCEEDED && outcome == Outcome.OUTCOME_NOT_APPLIED;
      verdict = again ? Verdict.VERDICT_SAME_REQUEST : usual.verdict;
    }
    if (outcome == Outcome.OUTCOME_UNSPECIFIED && (code == Status.Code.CANCELLED || code == Status.Code.DEADLINE_EXCEEDED)) {
      outcome = Outcome.OUTCOME_INDETERMINATE;
    }
  }

  /** Returns a duration in whole milliseconds, none where it is not valid. */
  static Optional<java.time.Duration> duration(Duration d) {
    long seconds = d.getSeconds();
    int nanos = d.getNanos();
    if (Math.abs(nanos) > 999_999_999 || nanos == Integer.MIN_VALUE || seconds > MAX_DURATION_SECONDS
        || seconds < -MAX_DURATION_SECONDS || seconds > 0 && nanos < 0 || seconds < 0 && nanos > 0) {
      return Optional.empty();
    }
    return Optional.of(java.time.Duration.ofMillis(Math.min(seconds * 1000 + nanos / 1_000_000, MAX_DELAY_MS)));
  }
}
