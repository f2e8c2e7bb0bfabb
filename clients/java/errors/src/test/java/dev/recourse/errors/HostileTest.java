package dev.recourse.errors;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.recourse.v1.Degraded;
import dev.recourse.v1.Outcome;
import dev.recourse.v1.RecoveryAction;
import dev.recourse.v1.RetryAdvice;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whatever a server sends is read, and what is read is within its limits. */
class HostileTest {
  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
  private static final Metadata.Key<byte[]> MARK = Metadata.Key.of("recourse-degraded-bin", Metadata.BINARY_BYTE_MARSHALLER);
  private static final int ROUNDS = 10_000;

  @Test
  void readsWhateverComes() throws IOException {
    List<byte[]> seeds = new ArrayList<>();
    seeds.add(new byte[0]);
    for (GoldenFile file : GoldenFile.load(GoldenTest.FOLDER)) {
      for (Metadata.Key<byte[]> key : List.of(DETAILS, MARK)) {
        byte[] value = file.trailers().get(key);
        if (value != null && value.length < 10_000) {
          seeds.add(value);
        }
      }
    }
    for (int seed = 0; seed < ROUNDS; seed++) {
      Random random = new Random(seed);
      byte[] value = mutated(seeds, random);
      try {
        check(value, random);
      } catch (RuntimeException | AssertionError | StackOverflowError e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  private static byte[] mutated(List<byte[]> seeds, Random random) {
    ByteString value = ByteString.copyFrom(seeds.get(random.nextInt(seeds.size())));
    for (int n = random.nextInt(8); n >= 0; n--) {
      int from = random.nextInt(value.size() + 1);
      int to = Math.min(value.size(), from + random.nextInt(8));
      byte[] bytes = new byte[random.nextInt(8)];
      random.nextBytes(bytes);
      ByteString piece = ByteString.copyFrom(bytes);
      switch (random.nextInt(6)) {
        case 0: // cut off
          value = value.substring(0, from);
          break;
        case 1: // one byte, often the length of something
          if (from < value.size()) {
            value = value.substring(0, from).concat(ByteString.copyFrom(new byte[] {(byte) random.nextInt()}))
                .concat(value.substring(from + 1));
          }
          break;
        case 2:
          value = value.substring(0, from).concat(piece).concat(value.substring(from));
          break;
        case 3:
          value = value.substring(0, from).concat(value.substring(to));
          break;
        case 4: // fields of another error
          value = value.concat(ByteString.copyFrom(seeds.get(random.nextInt(seeds.size()))));
          break;
        default: // a sound status around an unsound detail, or many times the same
          value = status(value, random);
      }
    }
    return value.substring(0, Math.min(value.size(), 100_000)).toByteArray();
  }

  private static ByteString status(ByteString value, Random random) {
    String[] types = {"google.rpc.ErrorInfo", "google.rpc.RetryInfo", "google.rpc.RequestInfo", "recourse.v1.ErrorDetail"};
    com.google.rpc.Status.Builder status = com.google.rpc.Status.newBuilder().setCode(random.nextInt(18));
    for (int n = random.nextInt(3); n >= 0; n--) {
      byte[] bytes = new byte[random.nextInt(40)];
      random.nextBytes(bytes);
      status.addDetails(Any.newBuilder().setTypeUrl("/" + types[random.nextInt(types.length)])
          .setValue(random.nextBoolean() && value.size() < 10_000 ? value : ByteString.copyFrom(bytes)));
    }
    return status.build().toByteString();
  }

  private static void check(byte[] value, Random random) {
    Metadata trailers = new Metadata();
    trailers.put(DETAILS, value);
    trailers.put(MARK, value);
    int code = 1 + random.nextInt(17);
    try {
      code = com.google.rpc.Status.parseFrom(value).getCode(); // so that the details count
    } catch (IOException e) {
      // Another one, then.
    }
    RecourseError error = RecourseError.from(Status.fromCodeValue(code), trailers);
    clean(error.getMessage(), 256);
    clean(error.getSuggestion(), 256);
    clean(error.getOperation(), 256);
    clean(error.getErrorCode(), 63);
    clean(error.getDomain(), 253);
    clean(error.getRequestId(), 128);
    error.getMetadata().forEach((key, text) -> {
      clean(key, 64);
      clean(text, Text.NO_LIMIT);
    });
    actions(error.getRecoveryActions());
    assertTrue(error.getMetadata().size() <= 64);
    assertFalse(error.getErrorCode().isEmpty());
    assertFalse(error.getSuggestion().isEmpty());
    assertFalse(error.getVerdict() == RetryAdvice.Verdict.UNRECOGNIZED || error.getVerdict().getNumber() == 0);
    assertFalse(error.getWhy() == RetryAdvice.Why.UNRECOGNIZED);
    assertFalse(error.getOutcome() == Outcome.UNRECOGNIZED);
    assertTrue(error.getAttempts() >= 0);
    error.getRetryDelay().ifPresent(delay -> assertTrue(delay.toNanos() >= 0));
    GoldenFile.report(Status.fromCodeValue(code).asRuntimeException(trailers));

    Degraded mark = DegradedAnswer.from(trailers).orElseThrow();
    assertFalse(mark.equals(Degraded.getDefaultInstance()));
    clean(mark.getErrorCode(), 63);
    clean(mark.getDomain(), 253);
    clean(mark.getSuggestion(), 256);
    clean(mark.getSource(), 64);
    actions(mark.getRecoveryActionsList());
    assertFalse(mark.getKind() == Degraded.Kind.UNRECOGNIZED);
  }

  private static void actions(List<RecoveryAction> actions) {
    assertTrue(actions.size() <= 5);
    for (RecoveryAction action : actions) {
      clean(action.getLabel(), 80);
      clean(action.getOpenLink().getUrl(), 256);
      clean(action.getFixFields().getFixesList().stream().map(f -> f.getField()).findFirst().orElse(""), 256);
      assertTrue(action.getFixFields().getFixesCount() <= 25);
      assertFalse(action.getActor() == RecoveryAction.Actor.UNRECOGNIZED);
    }
  }

  private static void clean(String text, int limit) {
    assertEquals(text, Text.clean(text, limit));
  }
}
