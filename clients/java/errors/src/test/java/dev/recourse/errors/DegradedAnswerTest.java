package dev.recourse.errors;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import dev.recourse.v1.Degraded;
import dev.recourse.v1.RecoveryAction;
import io.grpc.Metadata;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class DegradedAnswerTest {
  @Test
  void saysNothingOfTheRealAnswer() {
    assertEquals(Optional.empty(), DegradedAnswer.from(null));
    assertEquals(Optional.empty(), DegradedAnswer.from(new Metadata()));
  }

  @Test
  void takesTheTextOfAMarkThatIsTooLarge() {
    Degraded most = Degraded.newBuilder().setKind(Degraded.Kind.KIND_PARTIAL).setSource("s".repeat(8192 - 5)).build();
    assertEquals(8192, most.getSerializedSize());
    assertEquals(Degraded.Kind.KIND_PARTIAL, read(most.toByteString(), "stale;age=1").getKind());
    Degraded more = most.toBuilder().setSource(most.getSource() + "s").build();
    assertEquals(Degraded.Kind.KIND_STALE, read(more.toByteString(), "stale;age=1").getKind());
    assertEquals("not said", read(more.toByteString(), null).getSource());
  }

  @Test
  void readsAMarkWholeOrNotAtAll() {
    ByteString broken = ByteString.copyFrom(new byte[] {Degraded.RECOVERY_ACTIONS_FIELD_NUMBER << 3 | 2, 2, 0x12, 0x7F});
    Degraded mark = Degraded.newBuilder().setKind(Degraded.Kind.KIND_STALE)
        .addRecoveryActions(RecoveryAction.newBuilder().setLabel("Ask again")).build();
    Degraded ofText = Degraded.newBuilder().setKind(Degraded.Kind.KIND_PARTIAL).setSource("not said").build();
    assertEquals(ofText, read(broken.concat(mark.toByteString()), "partial"));
  }

  @Test
  void knowsNoAgeBelowZero() {
    for (Duration age : new Duration[] {Duration.newBuilder().setNanos(-1).build(), Duration.newBuilder().setNanos(1 << 30).build()}) {
      Degraded mark = Degraded.newBuilder().setKind(Degraded.Kind.KIND_STALE).setAge(age).build();
      assertEquals(mark.toBuilder().clearAge().build(), read(mark.toByteString(), null));
    }
  }

  @Test
  void knowsNoAgeThatNanosecondsCannotCount() {
    Degraded mark = Degraded.newBuilder().setAge(Duration.newBuilder().setSeconds(315_576_000_000L).setNanos(999_999_999)).build();
    Duration most = Duration.newBuilder().setSeconds(9_223_372_036L).setNanos(854_000_000).build();
    assertEquals(most, read(mark.toByteString(), null).getAge());
  }

  private static Degraded read(ByteString mark, String text) {
    Metadata trailers = new Metadata();
    trailers.put(Metadata.Key.of("recourse-degraded-bin", Metadata.BINARY_BYTE_MARSHALLER), mark.toByteArray());
    if (text != null) {
      trailers.put(Metadata.Key.of("recourse-degraded", Metadata.ASCII_STRING_MARSHALLER), text);
    }
    return DegradedAnswer.from(trailers).orElseThrow();
  }
}
