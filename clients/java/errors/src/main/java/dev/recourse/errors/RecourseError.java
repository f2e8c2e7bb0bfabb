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
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a failed call tells its caller: what went wrong, whether to try again, and what would help.
 *
 * <pre>{@code
 * try {
 *   stub.process(request);
 * } catch (StatusRuntimeException e) {
 *   RecourseError error = RecourseError.from(e);
 *   show(error.getSuggestion(), error.getRecoveryActions());
 * }
 * }</pre>
 *
 * <p>Every failed call can be read, whatever the server sent: without details the code alone gives a verdict, a suggestion
 * and actions. Texts are clean: no control, bidirectional or invisible characters, one line, and a limit to their length.
 * Nothing returned is null, what is not said is empty. Objects are immutable.
 */
public final class RecourseError {
  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
  private static final Metadata.Key<String> REQUEST_ID = Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);

  // Under which outcome and verdict stand in the metadata of an error that has no ErrorDetail.
  private static final String OUTCOME_KEY = "recourseOutcome";
  private static final String VERDICT_KEY = "recourseRetry";

  private static final int MAX_METADATA = 64;
  private static final int MAX_METADATA_KEY = 64;
  private static final int MAX_CAUSES = 256; // a chain that leads back to itself is longer than any other

  private static final long MAX_DURATION_SECONDS = 315_576_000_000L; // of google.protobuf.Duration
  private static final long MAX_DELAY_MS = 9_223_372_036_854L; // so that toNanos does not overflow

  private final Status.Code code;
  private final String message;
  private String errorCode = "";
  private String domain = "";
  private Map<String, String> metadata = Collections.emptyMap();
  private String suggestion = "";
  private List<RecoveryAction> actions = new ArrayList<>();
  private boolean actionRequired;
  private Verdict verdict = Verdict.VERDICT_UNSPECIFIED;
  private Why why = Why.WHY_UNSPECIFIED;
  private long attempts;
  private boolean advised;
  private Outcome outcome = Outcome.OUTCOME_UNSPECIFIED;
  private Optional<java.time.Duration> retryDelay = Optional.empty();
  private String requestId;
  private String operation = "";

  /**
   * Reads what gRPC threw: a {@link StatusRuntimeException} or {@link StatusException}, or anything that has one among its
   * causes, as an ExecutionException does. Of anything else, it says what the code UNKNOWN does.
   */
  public static RecourseError from(Throwable thrown) {
    Throwable cause = thrown;
    for (int i = 0; i < MAX_CAUSES && cause != null; i++, cause = cause.getCause()) {
      if (cause instanceof StatusRuntimeException) {
        StatusRuntimeException e = (StatusRuntimeException) cause;
        return from(e.getStatus(), e.getTrailers());
      }
      if (cause instanceof StatusException) {
        StatusException e = (StatusException) cause;
        return from(e.getStatus(), e.getTrailers());
      }
    }
    return from(Status.UNKNOWN, null);
  }

  /**
   * Reads how a call ended, as an interceptor or a {@code ClientCall.Listener} sees it. The trailers may be null. A status
   * of OK is no error, and read as INTERNAL.
   */
  public static RecourseError from(Status status, Metadata trailers) {
    return new RecourseError(status, trailers == null ? new Metadata() : trailers);
  }

  private RecourseError(Status status, Metadata trailers) {
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
    requestId = details.first(RequestInfo.getDefaultInstance())
        .map(info -> Text.clean(info.getRequestId(), Text.REQUEST_ID))
        .orElse("");
    if (requestId.isEmpty() && trailers.get(REQUEST_ID) != null) {
      requestId = Text.clean(trailers.get(REQUEST_ID), Text.REQUEST_ID);
    }
    conclude();
  }

  private void readInfo(ErrorInfo info) {
    errorCode = Text.clean(info.getReason(), Text.ERROR_CODE);
    domain = Text.clean(info.getDomain(), Text.DOMAIN);
    Map<String, String> sorted = new TreeMap<>(Text.BY_CODE_POINT);
    info.getMetadataMap().forEach((key, value) -> {
      boolean ours = key.equals(OUTCOME_KEY) || key.equals(VERDICT_KEY);
      if (!key.isEmpty() && key.equals(Text.clean(key, MAX_METADATA_KEY)) && !(ours && Text.size(value) > MAX_METADATA_KEY)) {
        sorted.put(key, Text.clean(value, Text.NO_LIMIT));
      }
    });
    while (sorted.size() > MAX_METADATA) {
      ((TreeMap<String, String>) sorted).pollLastEntry();
    }
    metadata = Collections.unmodifiableMap(sorted);
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
    if (verdict == Verdict.VERDICT_UNSPECIFIED && !said.isEmpty()) {
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
    actions = Collections.unmodifiableList(actions);
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

  /** The code of the call. */
  public Status.Code getCode() {
    return code;
  }

  /**
   * The stable name of what went wrong within {@link #getDomain}, such as BOOK_NOT_FOUND: what a program compares. Where the
   * server named none, it is that of the code, NOT_FOUND.
   */
  public String getErrorCode() {
    return errorCode;
  }

  /** Who defines the error code, normally the DNS name of the service. Empty: not said. */
  public String getDomain() {
    return domain;
  }

  /** What happened, for developers and logs. */
  public String getMessage() {
    return message;
  }

  /** The parts of the error that change from call to call, sorted by key. */
  public Map<String, String> getMetadata() {
    return metadata;
  }

  /** What a person may do next, to be shown to them: the server's own words, or the usual ones for the code. */
  public String getSuggestion() {
    return suggestion;
  }

  /**
   * What would help, best first: alternatives, at most five. Where the server named none, it is what usually helps with the
   * code. An action whose {@code getActionCase()} is ACTION_NOT_SET, of a kind that is not known here, is shown by its
   * label. None is carried out because it was read; see RecoveryAction for what a program may do by itself.
   */
  public List<RecoveryAction> getRecoveryActions() {
    return actions;
  }

  /** Whether the server asks for one of the actions before the request makes sense again, other than waiting. */
  public boolean isActionRequired() {
    return actionRequired;
  }

  /** Whether the request may be sent again: the server's verdict, or the usual one for the code; never UNRECOGNIZED. */
  public Verdict getVerdict() {
    return verdict;
  }

  /** Why so. */
  public Why getWhy() {
    return why;
  }

  /** How many attempts the server behind the error has made before it gave up. 0: not said. */
  public long getAttempts() {
    return attempts;
  }

  /** How long to wait at least before the request is sent again, where the server says. A caller has a limit of its own. */
  public Optional<java.time.Duration> getRetryDelay() {
    return retryDelay;
  }

  /** Whether the request took effect all the same; never UNRECOGNIZED. */
  public Outcome getOutcome() {
    return outcome;
  }

  /** What a person quotes to support: under this id the service's logs have the failure. Empty: not said. */
  public String getRequestId() {
    return requestId;
  }

  /** What failed: a full method name, or that of an asynchronous operation. Empty: the method that was called. */
  public String getOperation() {
    return operation;
  }

  /** Returns code, error code and message on one line, for logs. */
  @Override
  public String toString() {
    return code + " " + errorCode + (message.isEmpty() ? "" : ": " + message);
  }
}
