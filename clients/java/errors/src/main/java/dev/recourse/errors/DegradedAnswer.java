package dev.recourse.errors;

import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.recourse.v1.Degraded;
import io.grpc.Metadata;
import java.util.Locale;
import java.util.Optional;

/**
 * The mark of an answer that is not the real one but the best that was left: an earlier one, a part of one.
 *
 * <pre>{@code
 * AtomicReference<Metadata> headers = new AtomicReference<>(), trailers = new AtomicReference<>();
 * Answer answer = stub.withInterceptors(MetadataUtils.newCaptureMetadataInterceptor(headers, trailers)).ask(question);
 * DegradedAnswer.from(trailers.get()).ifPresent(mark -> show(mark.getSuggestion()));
 * }</pre>
 */
public final class DegradedAnswer {
  private static final Metadata.Key<byte[]> MARK = Metadata.Key.of("recourse-degraded-bin", Metadata.BINARY_BYTE_MARSHALLER);
  private static final Metadata.Key<String> TEXT = Metadata.Key.of("recourse-degraded", Metadata.ASCII_STRING_MARSHALLER);
  private static final int MAX_BYTES = 8192;

  /** The mark of a server that says nothing else. */
  private static final String NOT_SAID = "not said";

  private DegradedAnswer() {}

  /**
   * Reads the mark from the trailers of a call that succeeded, whatever they hold; empty if there is none, as of the real
   * answer. The headers may have the same mark earlier. Texts are clean, actions are as in {@link RecourseError}.
   */
  public static Optional<Degraded> from(Metadata trailers) {
    if (trailers == null) {
      return Optional.empty();
    }
    byte[] mark = trailers.get(MARK);
    String text = trailers.get(TEXT);
    if (mark != null && mark.length <= MAX_BYTES) {
      try {
        return Optional.of(tidy(Wire.decode(mark, Degraded.getDefaultInstance())));
      } catch (InvalidProtocolBufferException e) {
        // Then the text counts.
      }
    }
    return mark == null && text == null ? Optional.empty() : Optional.of(fromText(text == null ? "" : text));
  }

  private static Degraded tidy(Degraded mark) {
    Degraded.Builder tidy = Degraded.newBuilder()
        .setErrorCode(Text.clean(mark.getErrorCode(), Text.ERROR_CODE))
        .setSuggestion(Text.clean(mark.getSuggestion(), Text.MESSAGE))
        .addAllRecoveryActions(Actions.tidy(mark.getRecoveryActionsList()))
        .setSource(Text.clean(mark.getSource(), Text.SOURCE));
    if (mark.getKind() != Degraded.Kind.UNRECOGNIZED) {
      tidy.setKind(mark.getKind());
    }
    if (!tidy.getErrorCode().isEmpty()) {
      tidy.setDomain(Text.clean(mark.getDomain(), Text.DOMAIN));
    }
    boolean negative = mark.getAge().getSeconds() < 0 || mark.getAge().getNanos() < 0;
    if (mark.hasAge() && !negative) {
      Reading.duration(mark.getAge()).ifPresent(age -> // which is the longest that nanoseconds can count, or less
          tidy.setAge(Duration.newBuilder().setSeconds(age.getSeconds()).setNanos(age.getNano())));
    }
    return tidy.build().equals(Degraded.getDefaultInstance()) ? fromText("") : tidy.build();
  }

  private static Degraded fromText(String text) {
    String kind = text.split(";", 2)[0].trim().toUpperCase(Locale.ROOT);
    Degraded.Builder mark = Degraded.newBuilder().setSource(NOT_SAID);
    for (Degraded.Kind known : Degraded.Kind.values()) {
      if (known.name().equals("KIND_" + kind)) {
        mark.setKind(known);
      }
    }
    return mark.build();
  }
}
