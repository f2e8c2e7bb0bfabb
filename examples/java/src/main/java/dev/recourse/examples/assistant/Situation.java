package dev.recourse.examples.assistant;

import com.google.protobuf.ByteString;
import dev.recourse.errors.RecourseError;
import dev.recourse.examples.assistant.v1.TranscribeRequest;
import dev.recourse.v1.FixFields;
import dev.recourse.v1.RecoveryAction;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Something that a person may run into, with the error that it ends with; empty for an answer. */
record Situation(String name, String token, Call call, String errorCode, Predicate<RecourseError> says) {
  interface Call {
    String answer(AssistantClient client) throws Exception;
  }

  // Of ada, who may do all of this, of quinn, who has two calls a minute, and of nobody.
  private static final String ADA = "token-of-ada";
  private static final String QUINN = "token-of-quinn";
  private static final String NOBODY = "token-of-2019";

  static final List<Situation> ALL = List.of(
      new Situation("answer", ADA, Situation::weather, "", e -> true),
      new Situation("not-understood", ADA, c -> c.classify("blue ideas sleep furiously"), "INTENT_NOT_UNDERSTOOD",
          e -> e.getSuggestion().equals("Try rephrasing your request more clearly.") && offers(e, RecoveryAction::hasFixFields)),
      new Situation("fields", ADA, c -> c.process("", "42"), "FIELDS_INVALID",
          e -> e.getRecoveryActions().stream().flatMap(a -> a.getFixFields().getFixesList().stream())
              .map(FixFields.Fix::getField).toList().equals(List.of("query", "request_id"))),
      new Situation("token-expired", NOBODY, c -> c.process("Hello", ""), "TOKEN_EXPIRED",
          e -> offers(e, RecoveryAction::hasReauthenticate)),
      new Situation("quota", QUINN, Situation::threeCalls, "QUOTA_USED_UP",
          e -> offers(e, RecoveryAction::hasWaitForQuota) && e.getRetryDelay().filter(d -> !d.isZero()).isPresent()),
      new Situation("breaks-off", ADA, Situation::story, "TEXT_BROKE_OFF", e -> true),
      new Situation("sound", ADA, c -> c.transcribe(TranscribeRequest.newBuilder()
          .setAudio(ByteString.copyFrom(new byte[] {1, 2, 3})).build()), "SOUND_NOT_SUPPORTED", e -> true),
      new Situation("chat-full", ADA, c -> c.chat("Where is my order?", "Where?", "Where is my order?", "Where is my order?"),
          "CHAT_FULL", e -> true),
      new Situation("bug", ADA, c -> c.process("Will it rain? demo:panic", ""), "ASYNC_UNEXPECTED_FAILED",
          e -> offers(e, RecoveryAction::hasContactSupport) && !e.getRequestId().isEmpty()),
      new Situation("degraded", ADA, Situation::degraded, "", e -> true));

  private static String weather(AssistantClient client) {
    String answer = client.process("Will it rain in Oslo tomorrow?", "");
    must(answer.contains("Oslo"), answer);
    return answer;
  }

  private static String threeCalls(AssistantClient client) {
    client.classify("Where is my order?");
    client.classify("Where is my order?");
    return client.classify("Where is my order?");
  }

  /** Fails with the error of the stream, which says from where to ask for the rest. */
  private static String story(AssistantClient client) {
    List<String> pieces = new ArrayList<>();
    try {
      client.generate("the sea at night, told in Java demo:break", pieces);
    } catch (StatusRuntimeException e) {
      String next = RecourseError.from(e).getMetadata().get("nextPosition");
      must(!pieces.isEmpty() && String.valueOf(pieces.size()).equals(next), pieces.size() + " pieces came, next is " + next);
      throw e;
    }
    return String.join("", pieces);
  }

  private static String degraded(AssistantClient client) {
    String answer = client.process("Will it rain? demo:down", "");
    must(!answer.isEmpty() && client.degraded().isPresent(), "not marked: " + answer);
    return answer;
  }

  private static boolean offers(RecourseError error, Predicate<RecoveryAction> kind) {
    return error.getRecoveryActions().stream().anyMatch(kind);
  }

  private static void must(boolean holds, String what) {
    if (!holds) {
      throw new IllegalStateException(what);
    }
  }

  /** Returns a line of conformance/README.md. */
  String check(AssistantClient client) {
    String wrong = "";
    try {
      String answer = call.answer(client);
      wrong = errorCode.isEmpty() ? "" : "answered " + answer + ", want " + errorCode;
    } catch (StatusRuntimeException | StatusException e) {
      RecourseError error = RecourseError.from(e);
      if (!error.getErrorCode().equals(errorCode) || !says.test(error)) {
        wrong = "ended with " + error + " and offers " + error.getRecoveryActions() + ", want " + errorCode;
      }
    } catch (Exception e) {
      wrong = e.toString();
    }
    String line = "ok example/" + name;
    return wrong.isEmpty() ? line : ("not " + line + " # " + wrong).replaceAll("\\s+", " ");
  }
}
