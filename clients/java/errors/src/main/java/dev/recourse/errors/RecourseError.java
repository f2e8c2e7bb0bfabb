package dev.recourse.errors;

import dev.recourse.v1.Outcome;
import dev.recourse.v1.RecoveryAction;
import dev.recourse.v1.RetryAdvice.Verdict;
import dev.recourse.v1.RetryAdvice.Why;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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
  private static final int MAX_CAUSES = 256; // a chain that leads back to itself is longer than any other

  private final Status.Code code;
  private final String errorCode;
  private final String domain;
  private final String message;
  private final Map<String, String> metadata;
  private final String suggestion;
  private final List<RecoveryAction> actions;
  private final boolean actionRequired;
  private final Verdict verdict;
  private final Why why;
  private final long attempts;
  private final Outcome outcome;
  private final Optional<Duration> retryDelay;
  private final String requestId;
  private final String operation;

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
    return new RecourseError(new Reading(status, trailers == null ? new Metadata() : trailers));
  }

  private RecourseError(Reading r) {
    code = r.code;
    errorCode = r.errorCode;
    domain = r.domain;
    message = r.message;
    metadata = Collections.unmodifiableMap(r.metadata);
    suggestion = r.suggestion;
    actions = Collections.unmodifiableList(r.actions);
    actionRequired = r.actionRequired;
    verdict = r.verdict;
    why = r.why;
    attempts = r.attempts;
    outcome = r.outcome;
    retryDelay = r.retryDelay;
    requestId = r.requestId;
    operation = r.operation;
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
  public Optional<Duration> getRetryDelay() {
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
