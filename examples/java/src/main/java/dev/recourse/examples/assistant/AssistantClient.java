package dev.recourse.examples.assistant;

import dev.recourse.errors.DegradedAnswer;
import dev.recourse.errors.RecourseError;
import dev.recourse.examples.assistant.v1.AssistantGrpc;
import dev.recourse.examples.assistant.v1.ChatRequest;
import dev.recourse.examples.assistant.v1.ChatResponse;
import dev.recourse.examples.assistant.v1.ClassifyIntentRequest;
import dev.recourse.examples.assistant.v1.GenerateRequest;
import dev.recourse.examples.assistant.v1.ProcessRequest;
import dev.recourse.examples.assistant.v1.TranscribeRequest;
import dev.recourse.examples.assistant.v1.TranscribeResponse;
import dev.recourse.v1.Degraded;
import dev.recourse.v1.RecoveryAction;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.MetadataUtils;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** Talks to the assistant of examples/server, and shows a person what to do about each error. */
final class AssistantClient {
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  // gRPC itself repeats what failed: it waits as long as the server asks, and stops where it says never. grpc-java waits
  // whatever the code is. ClassifyIntent has no policy: a person is told at once that their calls are used up, and for how
  // long.
  private static final Map<String, ?> RETRIES = Map.of("methodConfig", List.of(Map.of(
      "name", List.of(
          Map.of("service", AssistantGrpc.SERVICE_NAME, "method", "Process"),
          Map.of("service", AssistantGrpc.SERVICE_NAME, "method", "Generate")),
      "retryPolicy", Map.of("maxAttempts", 4.0, "initialBackoff", "0.1s", "maxBackoff", "1s", "backoffMultiplier", 2.0,
          "retryableStatusCodes", List.of("UNAVAILABLE")))));

  private final ManagedChannel channel;
  private final String token;
  private final AtomicReference<Metadata> headers = new AtomicReference<>();
  private final AtomicReference<Metadata> trailers = new AtomicReference<>();

  AssistantClient(ManagedChannel channel, String token) {
    this.channel = channel;
    this.token = token;
  }

  public static void main(String[] args) throws Exception {
    if (args.length != 1) {
      System.err.println("usage: AssistantClient HOST:PORT");
      System.exit(2);
    }
    // Plain text is for the loopback interface only: elsewhere TlsChannelCredentials stand here.
    ManagedChannel channel = Grpc.newChannelBuilder(args[0], InsecureChannelCredentials.create())
        .defaultServiceConfig(RETRIES).enableRetry().build();
    boolean check = System.getenv("RECOURSE_CONFORMANCE") != null; // then a program reads what is printed
    for (Situation situation : Situation.ALL) {
      AssistantClient client = new AssistantClient(channel, situation.token());
      if (check) {
        OUT.println(situation.check(client));
      } else {
        OUT.println("== " + situation.name());
        client.show(situation);
      }
    }
    channel.shutdownNow();
  }

  /** Shows a person the answer, or what to do instead. */
  private void show(Situation situation) throws Exception {
    try {
      OUT.println(situation.call().answer(this));
      degraded().ifPresent(mark -> OUT.println("This is not the real answer: " + mark.getSuggestion()));
    } catch (StatusRuntimeException | StatusException e) {
      RecourseError error = RecourseError.from(e);
      OUT.println(error.getSuggestion());
      for (RecoveryAction action : error.getRecoveryActions()) {
        OUT.println("  - " + action.getLabel());
        action.getFixFields().getFixesList().forEach(fix -> OUT.println("      in " + fix.getField()));
      }
      error.getRetryDelay().ifPresent(delay -> OUT.println("  not within " + (delay.toMillis() + 999) / 1000 + " s"));
      if (!error.getRequestId().isEmpty()) {
        OUT.println("  request id: " + error.getRequestId());
      }
      OUT.println("  " + error); // for developers
    }
  }

  /** Whether the last answer was the real one, and if not, what was. */
  Optional<Degraded> degraded() {
    return DegradedAnswer.from(trailers.get());
  }

  String process(String query, String requestId) {
    return prepared(AssistantGrpc.newBlockingStub(channel))
        .process(ProcessRequest.newBuilder().setQuery(query).setRequestId(requestId).build()).getAnswer();
  }

  String classify(String query) {
    return prepared(AssistantGrpc.newBlockingStub(channel))
        .classifyIntent(ClassifyIntentRequest.newBuilder().setQuery(query).build()).getIntent();
  }

  /** Adds the pieces of a text as they come. A stream that breaks off has delivered some: they stay. */
  void generate(String prompt, List<String> pieces) {
    prepared(AssistantGrpc.newBlockingStub(channel)).generate(GenerateRequest.newBuilder().setPrompt(prompt).build())
        .forEachRemaining(piece -> pieces.add(piece.getText()));
  }

  String transcribe(TranscribeRequest... chunks) throws Exception {
    BlockingClientCall<TranscribeRequest, TranscribeResponse> call =
        prepared(AssistantGrpc.newBlockingV2Stub(channel)).transcribe();
    for (TranscribeRequest chunk : chunks) {
      call.write(chunk);
    }
    call.halfClose();
    return call.read().getTranscript();
  }

  String chat(String... turns) throws Exception {
    BlockingClientCall<ChatRequest, ChatResponse> call = prepared(AssistantGrpc.newBlockingV2Stub(channel)).chat();
    String answer = "";
    for (String turn : turns) {
      call.write(ChatRequest.newBuilder().setMessage(turn).build());
      answer = call.read().getMessage();
    }
    call.halfClose();
    return answer;
  }

  /** Gives a call the token and a deadline, and keeps its trailers: they say whether the answer is the real one. */
  private <S extends AbstractStub<S>> S prepared(S stub) {
    Metadata md = new Metadata();
    md.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    return stub.withDeadlineAfter(10, TimeUnit.SECONDS).withInterceptors(
        MetadataUtils.newAttachHeadersInterceptor(md), MetadataUtils.newCaptureMetadataInterceptor(headers, trailers));
  }
}
