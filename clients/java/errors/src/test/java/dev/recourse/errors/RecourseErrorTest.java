package dev.recourse.errors;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.ErrorInfo;
import dev.recourse.v1.ErrorDetail;
import dev.recourse.v1.RecoveryAction;
import dev.recourse.v1.RetryAdvice.Verdict;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

class RecourseErrorTest {
  private static final Status BUSY = Status.UNAVAILABLE.withDescription("busy");

  @Test
  void findsTheStatusThatGrpcThrew() {
    for (Throwable thrown : List.of(new StatusRuntimeException(BUSY), new StatusException(BUSY),
        new ExecutionException(new RuntimeException(new StatusRuntimeException(BUSY))))) {
      assertEquals("UNAVAILABLE UNAVAILABLE: busy", RecourseError.from(thrown).toString());
    }
  }

  @Test
  void readsWhatIsNoStatusAsUnknown() {
    RuntimeException one = new RuntimeException();
    RuntimeException loop = new RuntimeException(one);
    one.initCause(loop);
    for (Throwable thrown : new Throwable[] {new IllegalStateException("hunter2"), loop, null}) {
      assertEquals("UNKNOWN UNKNOWN", RecourseError.from(thrown).toString());
    }
    assertEquals(Status.Code.INTERNAL, RecourseError.from(Status.OK, null).getCode());
  }

  @Test
  void knowsAdviceForEveryCode() {
    for (Status.Code code : Status.Code.values()) {
      RecourseError error = RecourseError.from(code.toStatus(), null);
      assertFalse(error.getSuggestion().isEmpty(), code.name());
      assertFalse(error.getVerdict() == Verdict.VERDICT_UNSPECIFIED, code.name());
    }
  }

  @Test
  void cannotBeChanged() {
    RecourseError error = RecourseError.from(BUSY, null);
    assertThrows(UnsupportedOperationException.class, () -> error.getRecoveryActions().clear());
    assertThrows(UnsupportedOperationException.class, () -> error.getMetadata().put("a", "b"));
  }

  @Test
  void mendsARunOfBytesToOneCharacter() {
    byte[] bytes = {'a', (byte) 0xE2, (byte) 0x82, (byte) 0xFF, 'b', (byte) 0xC3, (byte) 0xBC, (byte) 0xFF};
    ErrorDetail detail = ErrorDetail.newBuilder().setErrorCode("X").setSuggestion("?").build();
    RecourseError error = read(ErrorInfo.newBuilder().setReason("X").build().toByteString(),
        detail.toByteString().concat(bytesField(ErrorDetail.SUGGESTION_FIELD_NUMBER, bytes)));
    assertEquals("a\uFFFDbü\uFFFD", error.getSuggestion());
  }

  @Test
  void sortsMetadataAsBytesAndKeepsTheFirst() {
    ErrorInfo.Builder info = ErrorInfo.newBuilder().putMetadata("👩", "").putMetadata("\uFFFD", "");
    for (int i = 0; i < 63; i++) {
      info.putMetadata("key" + i, "");
    }
    List<String> keys = new ArrayList<>(read(info.build().toByteString(), ByteString.EMPTY).getMetadata().keySet());
    assertEquals(64, keys.size());
    assertEquals("\uFFFD", keys.get(63));
  }

  @Test
  void heedsAVerdictInTheMetadataUnlessItIsTooLong() {
    for (int length : new int[] {64, 65}) {
      ErrorInfo info = ErrorInfo.newBuilder().putMetadata("recourseRetry", "X".repeat(length)).build();
      RecourseError error = read(info.toByteString(), ByteString.EMPTY);
      assertEquals(length == 64 ? Verdict.VERDICT_NEVER : Verdict.VERDICT_SAME_REQUEST, error.getVerdict());
      assertEquals(length == 64, error.getMetadata().containsKey("recourseRetry"));
    }
  }

  @Test
  void leavesOutABrokenEntryOfAList() {
    ByteString detail = ErrorDetail.newBuilder().setSuggestion("Ask.")
        .addRecoveryActions(RecoveryAction.newBuilder().setLabel("first")).build().toByteString()
        .concat(bytesField(ErrorDetail.RECOVERY_ACTIONS_FIELD_NUMBER, new byte[] {0x12, 0x7F}))
        .concat(bytesField(ErrorDetail.CAUSES_FIELD_NUMBER, new byte[] {0x12, 0x7F}));
    RecourseError error = read(ByteString.EMPTY, detail);
    assertEquals("Ask.", error.getSuggestion());
    assertEquals(1, error.getRecoveryActions().size());
    assertTrue(error.getRecoveryActions().get(0).getLabel().equals("first"));
  }

  @Test
  void passesOverDetailsOfAnotherCode() {
    Metadata trailers = trailers(ErrorInfo.newBuilder().setReason("X").build().toByteString(), ByteString.EMPTY);
    assertEquals("UNAVAILABLE X", RecourseError.from(Status.UNAVAILABLE, trailers).toString());
    assertEquals("NOT_FOUND NOT_FOUND: no", RecourseError.from(Status.NOT_FOUND.withDescription("no"), trailers).toString());
  }

  private static ByteString bytesField(int number, byte[] value) {
    return ByteString.copyFrom(new byte[] {(byte) (number << 3 | 2), (byte) value.length}).concat(ByteString.copyFrom(value));
  }

  private static RecourseError read(ByteString info, ByteString detail) {
    return RecourseError.from(Status.UNAVAILABLE, trailers(info, detail));
  }

  private static Metadata trailers(ByteString info, ByteString detail) {
    com.google.rpc.Status status = com.google.rpc.Status.newBuilder().setCode(14)
        .addDetails(Any.newBuilder().setTypeUrl("type.googleapis.com/google.rpc.ErrorInfo").setValue(info))
        .addDetails(Any.newBuilder().setTypeUrl("type.googleapis.com/recourse.v1.ErrorDetail").setValue(detail)).build();
    Metadata trailers = new Metadata();
    trailers.put(Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER), status.toByteArray());
    return trailers;
  }
}
