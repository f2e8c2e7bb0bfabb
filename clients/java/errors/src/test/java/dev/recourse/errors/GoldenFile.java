package dev.recourse.errors;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.ProtocolMessageEnum;
import com.google.protobuf.util.JsonFormat;
import dev.recourse.v1.Degraded;
import dev.recourse.v1.RecoveryAction;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A call as it ended, and what is to be reported of it: conformance/README.md. */
record GoldenFile(String name, boolean fileOnly, Status status, Metadata trailers, JsonObject report) {
  static List<GoldenFile> load(Path folder) throws IOException {
    List<Path> paths;
    try (Stream<Path> all = Files.list(folder)) {
      paths = all.filter(path -> path.toString().endsWith(".json")).sorted().collect(Collectors.toList());
    }
    List<GoldenFile> files = new ArrayList<>();
    for (Path path : paths) {
      files.add(parse(path.getFileName().toString().replace(".json", ""), Files.readString(path)));
    }
    if (files.isEmpty()) {
      throw new IOException("no golden files in " + folder);
    }
    return files;
  }

  private static GoldenFile parse(String name, String text) throws IOException {
    JsonObject file = JsonParser.parseString(text).getAsJsonObject();
    JsonObject call = file.getAsJsonObject("call");
    known(name, file, Set.of("about", "fileOnly", "call", "report"));
    known(name, call, Set.of("code", "message", "status", "headers", "trailers"));
    Metadata trailers = new Metadata();
    if (call.has("status")) {
      put(trailers, "grpc-status-details-bin", call.get("status").getAsString());
    }
    if (call.has("trailers")) {
      call.getAsJsonObject("trailers").entrySet().forEach(entry -> put(trailers, entry.getKey(), entry.getValue().getAsString()));
    }
    Status status = Status.fromCodeValue(call.get("code").getAsInt());
    String message = call.has("message") ? call.get("message").getAsString() : null;
    return new GoldenFile(name, file.has("fileOnly"), status.withDescription(message), trailers, file.getAsJsonObject("report"));
  }

  private static void known(String name, JsonObject object, Set<String> keys) throws IOException {
    if (!keys.containsAll(object.keySet())) {
      throw new IOException(name + " has keys " + object.keySet() + ", known are " + keys);
    }
  }

  private static void put(Metadata metadata, String key, String value) {
    if (key.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
      metadata.put(Metadata.Key.of(key, Metadata.BINARY_BYTE_MARSHALLER), Base64.getDecoder().decode(value));
    } else {
      metadata.put(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER), value);
    }
  }

  /** Reads the call as it stands in the file. */
  JsonObject read() {
    return status.isOk() ? report(DegradedAnswer.from(trailers)) : report(new StatusRuntimeException(status, trailers));
  }

  static JsonObject report(Throwable thrown) {
    RecourseError error = RecourseError.from(thrown);
    JsonObject report = new JsonObject();
    report.addProperty("code", error.getCode().name());
    add(report, "errorCode", error.getErrorCode());
    add(report, "domain", error.getDomain());
    add(report, "message", error.getMessage());
    if (!error.getMetadata().isEmpty()) {
      JsonObject metadata = new JsonObject();
      error.getMetadata().forEach(metadata::addProperty);
      report.add("metadata", metadata);
    }
    add(report, "suggestion", error.getSuggestion());
    addActions(report, error.getRecoveryActions());
    if (error.isActionRequired()) {
      report.addProperty("actionRequired", true);
    }
    add(report, "verdict", word(error.getVerdict()));
    add(report, "why", word(error.getWhy()));
    if (error.getAttempts() != 0) {
      report.addProperty("attempts", error.getAttempts());
    }
    add(report, "outcome", word(error.getOutcome()));
    error.getRetryDelay().ifPresent(delay -> report.addProperty("retryDelayMs", delay.toMillis()));
    add(report, "requestId", error.getRequestId());
    add(report, "operation", error.getOperation());
    return report;
  }

  static JsonObject report(Optional<Degraded> answer) {
    JsonObject report = new JsonObject();
    report.addProperty("code", Status.Code.OK.name());
    answer.ifPresent(mark -> {
      JsonObject degraded = new JsonObject();
      add(degraded, "kind", word(mark.getKind()));
      add(degraded, "errorCode", mark.getErrorCode());
      add(degraded, "domain", mark.getDomain());
      add(degraded, "suggestion", mark.getSuggestion());
      addActions(degraded, mark.getRecoveryActionsList());
      if (mark.hasAge()) {
        degraded.addProperty("ageMs", mark.getAge().getSeconds() * 1000 + mark.getAge().getNanos() / 1_000_000);
      }
      add(degraded, "source", mark.getSource());
      report.add("degraded", degraded);
    });
    return report;
  }

  /** Says how a report is not the wanted one; empty if it is. */
  String differs(JsonObject got) {
    JsonElement read = JsonParser.parseString(got.toString()); // for the same kind of numbers
    return read.equals(report) ? "" : "read " + got + ", want " + report;
  }

  private static void addActions(JsonObject report, List<RecoveryAction> actions) {
    JsonArray list = new JsonArray();
    for (RecoveryAction action : actions) {
      JsonObject object = new JsonObject();
      FieldDescriptor kind = action.getOneofFieldDescriptor(RecoveryAction.getDescriptor().getOneofs().get(0));
      if (kind != null) {
        object.addProperty("type", kind.getName());
        JsonObject body = body(action, (Message) action.getField(kind));
        if (body.size() > 0) {
          object.add("body", body);
        }
      }
      add(object, "actor", word(action.getActor()));
      add(object, "label", action.getLabel());
      if (action.getThenRetry()) {
        object.addProperty("thenRetry", true);
      }
      if (action.getRequired()) {
        object.addProperty("required", true);
      }
      list.add(object);
    }
    if (list.size() > 0) {
      report.add("actions", list);
    }
  }

  private static JsonObject body(RecoveryAction action, Message body) {
    if (action.hasCustom()) {
      String url = action.getCustom().getTypeUrl();
      JsonObject custom = new JsonObject();
      custom.addProperty("type", url.substring(url.lastIndexOf('/') + 1));
      return custom;
    }
    try {
      return JsonParser.parseString(JsonFormat.printer().preservingProtoFieldNames().print(body)).getAsJsonObject();
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void add(JsonObject object, String key, String value) {
    if (!value.isEmpty()) {
      object.add(key, new JsonPrimitive(value));
    }
  }

  /** The name of a value without the prefix that all values have; empty for the first. */
  private static String word(ProtocolMessageEnum value) {
    EnumValueDescriptor named = value.getValueDescriptor();
    String prefix = named.getType().getValues().get(0).getName().replace("UNSPECIFIED", "");
    return named.getNumber() == 0 ? "" : named.getName().substring(prefix.length());
  }
}
