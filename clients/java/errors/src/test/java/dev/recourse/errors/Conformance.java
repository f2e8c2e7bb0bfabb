package dev.recourse.errors;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.protobuf.Empty;
import dev.recourse.examples.assistant.v1.AssistantGrpc;
import dev.recourse.examples.assistant.v1.ChatRequest;
import dev.recourse.examples.assistant.v1.ChatResponse;
import dev.recourse.examples.assistant.v1.ClassifyIntentRequest;
import dev.recourse.examples.assistant.v1.ClassifyIntentResponse;
import dev.recourse.examples.assistant.v1.GenerateRequest;
import dev.recourse.examples.assistant.v1.GenerateResponse;
import dev.recourse.examples.assistant.v1.ProcessRequest;
import dev.recourse.examples.assistant.v1.TranscribeRequest;
import dev.recourse.examples.assistant.v1.TranscribeResponse;
import dev.recourse.v1.Degraded;
import dev.recourse.v1.FixFields;
import dev.recourse.v1.Outcome;
import dev.recourse.v1.RecoveryAction;
import dev.recourse.v1.RetryAdvice;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;

/**
 * Goes through the situations of conformance/README.md with grpc-java's own client, those of the example left out, and
 * prints a line for each. polyglot.sh runs it.
 */
public final class Conformance {
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  private static final long PATIENCE_SECONDS = 10;

  /** The policy of every situation with retries; here the numbers of JSON are doubles, as grpc-java wants them. */
  private static final Map<?, ?> RETRIES = new Gson().fromJson(
      "{'methodConfig': [{'name': [{}], 'retryPolicy': {'maxAttempts': 4, 'initialBackoff': '0.01s', 'maxBackoff': '0.1s',"
          + " 'backoffMultiplier': 2, 'retryableStatusCodes': ['UNAVAILABLE']}}]}", Map.class);

  private interface Situation {
    /** Returns a note, and throws where something is not as it should be. */
    String run() throws Exception;
  }

  public static void main(String[] args) throws Exception {
    OUT.println("client grpc-java " + Status.class.getPackage().getImplementationVersion() + ", netty-shaded");
    ManagedChannel golden = channel("GOLDEN_ADDR").build(); // what is read there is not repeated
    @SuppressWarnings("unchecked")
    Map<String, ?> retries = (Map<String, ?>) RETRIES;
    ManagedChannel live = channel("LIVE_ADDR").defaultServiceConfig(retries).enableRetry().build();
    for (GoldenFile file : GoldenFile.load(Path.of(System.getenv("GOLDEN_DIR")))) {
      tell("file/" + file.name(), () -> same(file, file.read()));
      if (!file.fileOnly()) {
        tell("wire/" + file.name(), () -> same(file, receive(golden, file.name())));
      }
    }
    Conformance client = new Conformance(live);
    client.retries();
    client.errors();
    client.answers();
    golden.shutdownNow();
    live.shutdownNow();
  }

  private static NettyChannelBuilder channel(String variable) {
    return NettyChannelBuilder.forTarget(System.getenv(variable)).usePlaintext();
  }

  private static void tell(String name, Situation situation) {
    String line;
    try {
      String note = situation.run();
      line = "ok " + name + (note.isEmpty() ? "" : " # " + note);
    } catch (Exception | AssertionError e) {
      line = "not ok " + name + " # " + e;
    }
    OUT.println(line.replaceAll("\\s+", " "));
  }

  private static String same(GoldenFile file, JsonObject report) {
    String differs = file.differs(report);
    must(differs.isEmpty(), differs);
    return "";
  }

  private static JsonObject receive(ManagedChannel channel, String name) {
    MethodDescriptor<Empty, Empty> method = MethodDescriptor.<Empty, Empty>newBuilder()
        .setType(MethodDescriptor.MethodType.UNARY).setFullMethodName("recourse.conformance.Golden/" + name)
        .setRequestMarshaller(ProtoUtils.marshaller(Empty.getDefaultInstance()))
        .setResponseMarshaller(ProtoUtils.marshaller(Empty.getDefaultInstance())).build();
    AtomicReference<Metadata> headers = new AtomicReference<>();
    AtomicReference<Metadata> trailers = new AtomicReference<>();
    try {
      ClientCalls.blockingUnaryCall(
          ClientInterceptors.intercept(channel, MetadataUtils.newCaptureMetadataInterceptor(headers, trailers)),
          method, CallOptions.DEFAULT.withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS), Empty.getDefaultInstance());
      return GoldenFile.report(DegradedAnswer.from(trailers.get()));
    } catch (StatusRuntimeException e) {
      return GoldenFile.report(e);
    }
  }

  private final ManagedChannel live;
  private final AtomicReference<Metadata> headers = new AtomicReference<>();
  private final AtomicReference<Metadata> trailers = new AtomicReference<>();
  private String visit;

  private Conformance(ManagedChannel live) {
    this.live = live;
  }

  /** Runs a situation of the live server, which counts the attempts of its calls under its name. */
  private void go(String name, Situation situation) {
    visit = "java/" + name;
    headers.set(null);
    trailers.set(null);
    tell(name, situation);
  }

  private void retries() {
    go("retry/waits", () -> {
      process("waits");
      return came(2, 300);
    });
    go("retry/never", () -> {
      RecourseError error = ended("MODEL_OVERLOADED", () -> process("never"));
      must(error.getVerdict() == RetryAdvice.Verdict.VERDICT_NEVER, "verdict " + error.getVerdict());
      must(error.getWhy() == RetryAdvice.Why.WHY_OVERLOADED, "why " + error.getWhy());
      return came(1, 0);
    });
    go("retry/later", () -> {
      RecourseError error = ended("MODEL_AWAY", () -> process("later"));
      must(error.getRetryDelay().equals(Optional.of(Duration.ofMinutes(1))), "delay " + error.getRetryDelay());
      return came(1, 0);
    });
    go("retry/busy", () -> {
      process("busy");
      return came(3, 0);
    });
    go("retry/fields", () -> {
      asksForQuery(ended("FIELDS_INVALID", () -> process("fields")));
      return came(1, 0);
    });
    go("retry/stream-waits", () -> {
      must(generate("waits") == 3, "not three pieces");
      return came(2, 300);
    });
    go("retry/stream-never", () -> {
      ended("MODEL_OVERLOADED", () -> generate("never"));
      return came(1, 0);
    });
  }

  private void errors() {
    go("error/no-headers", () -> {
      ended("MODEL_OVERLOADED", () -> process("never"));
      Set<String> keys = headers.get() == null ? new TreeSet<>() : new TreeSet<>(headers.get().keys());
      keys.removeAll(Set.of("content-type", "grpc-encoding", "grpc-accept-encoding"));
      must(keys.isEmpty(), "headers " + keys);
      return "";
    });
    go("error/largest", () -> {
      RecourseError error = ended("ROWS_INVALID", () -> process("largest"));
      must(error.getSuggestion().equals("Correct the rows and send them again."), error.getSuggestion());
      must(error.getOutcome() == Outcome.OUTCOME_NOT_APPLIED, "outcome " + error.getOutcome());
      return "";
    });
    go("error/bug", () -> {
      AtomicReference<Throwable> thrown = new AtomicReference<>();
      RecourseError error = ended("ASYNC_UNEXPECTED_FAILED", () -> {
        try {
          return process("bug");
        } catch (StatusRuntimeException e) {
          thrown.set(e);
          throw e;
        }
      });
      must(error.getCode() == Status.Code.INTERNAL, "code " + error.getCode());
      must(!error.getRequestId().isEmpty(), "no request id");
      byte[] details = trailers.get().get(Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER));
      String all = thrown.get() + " " + trailers.get() + " " + headers.get() + new String(details, StandardCharsets.ISO_8859_1);
      must(!all.contains("hunter2"), "the password arrived");
      return "";
    });
    go("error/stream-breaks-off", () -> {
      AtomicReference<Integer> pieces = new AtomicReference<>(0);
      RecourseError error = ended("TEXT_BROKE_OFF", () -> generate("breaks-off", pieces));
      must(pieces.get() == 3, pieces + " pieces");
      must("3".equals(error.getMetadata().get("nextPosition")), "metadata " + error.getMetadata());
      return came(1, 0);
    });
    go("error/client-stream", () -> {
      asksForQuery(ended("FIELDS_INVALID", () -> {
        BlockingClientCall<TranscribeRequest, TranscribeResponse> call = prepare(AssistantGrpc.newBlockingV2Stub(live)).transcribe();
        call.write(TranscribeRequest.newBuilder().setText("hello").build());
        call.write(TranscribeRequest.newBuilder().setText("fields").build());
        return call.read();
      }));
      return "";
    });
    go("error/bidi", () -> {
      BlockingClientCall<ChatRequest, ChatResponse> call = prepare(AssistantGrpc.newBlockingV2Stub(live)).chat();
      call.write(ChatRequest.newBuilder().setMessage("hello").build());
      must(call.read().getMessage().equals("hello"), "hello was not answered");
      asksForQuery(ended("FIELDS_INVALID", () -> {
        call.write(ChatRequest.newBuilder().setMessage("fields").build());
        return call.read();
      }));
      return "";
    });
  }

  private void answers() {
    go("answer/degraded", () -> {
      must(!process("degraded").isEmpty(), "no answer");
      return marked();
    });
    go("answer/stream-degraded", () -> {
      must(generate("degraded") == 3, "not three pieces");
      return marked();
    });
    go("answer/real", () -> {
      must(!process("hello").isEmpty(), "no answer");
      must(DegradedAnswer.from(trailers.get()).isEmpty() && DegradedAnswer.from(headers.get()).isEmpty(), "marked");
      return "";
    });
  }

  /** Gives a call its visit, a deadline and somewhere to leave its metadata. */
  private <S extends AbstractStub<S>> S prepare(S stub) {
    Metadata md = new Metadata();
    md.put(Metadata.Key.of("x-visit", Metadata.ASCII_STRING_MARSHALLER), visit);
    return stub.withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS).withInterceptors(
        MetadataUtils.newAttachHeadersInterceptor(md), MetadataUtils.newCaptureMetadataInterceptor(headers, trailers));
  }

  private String process(String query) {
    return prepare(AssistantGrpc.newBlockingStub(live)).process(ProcessRequest.newBuilder().setQuery(query).build()).getAnswer();
  }

  private int generate(String prompt) {
    return generate(prompt, new AtomicReference<>(0));
  }

  private int generate(String prompt, AtomicReference<Integer> pieces) {
    Iterator<GenerateResponse> text = prepare(AssistantGrpc.newBlockingStub(live))
        .generate(GenerateRequest.newBuilder().setPrompt(prompt).build());
    while (text.hasNext()) {
      text.next();
      pieces.set(pieces.get() + 1);
    }
    return pieces.get();
  }

  /** Asks the server how often the calls of this situation came. */
  private String came(int want, int atLeastMs) {
    ClassifyIntentResponse count = AssistantGrpc.newBlockingStub(live).withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS)
        .classifyIntent(ClassifyIntentRequest.newBuilder().setQuery(visit).build());
    String found = count.getIntent() + " attempts, " + (long) count.getConfidence() + " ms between";
    must(count.getIntent().equals("" + want) && count.getConfidence() >= atLeastMs,
        found + ", want " + want + ", and at least " + atLeastMs + " ms");
    return atLeastMs > 0 ? found : "";
  }

  private interface Call {
    Object make() throws Exception;
  }

  private static RecourseError ended(String errorCode, Call call) throws Exception {
    try {
      throw new AssertionError("the call returned " + call.make());
    } catch (StatusRuntimeException | StatusException e) {
      RecourseError error = RecourseError.from(e);
      must(error.getErrorCode().equals(errorCode), "ended with " + error + ", want " + errorCode);
      return error;
    }
  }

  private static void asksForQuery(RecourseError error) {
    List<String> fields = error.getRecoveryActions().stream().filter(RecoveryAction::hasFixFields)
        .flatMap(action -> action.getFixFields().getFixesList().stream()).map(FixFields.Fix::getField).collect(Collectors.toList());
    must(fields.equals(List.of("query")), "asks to correct " + fields);
  }

  private String marked() {
    Degraded mark = DegradedAnswer.from(trailers.get()).orElseThrow(() -> new AssertionError("not marked"));
    must(mark.getKind() == Degraded.Kind.KIND_STALE && mark.getErrorCode().equals("MODEL_BUSY")
        && mark.getSuggestion().equals("This may be out of date."), "the mark is " + mark);
    return "";
  }

  private static void must(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }
}
