package dev.recourse.errors;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.Status;
import dev.recourse.v1.ErrorDetail;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** The details of a call, as many of them as are read from a stranger. */
final class Details {
  private static final int MAX_DETAILS = 32;
  private static final int MAX_BYTES = 64 << 10;

  private final Optional<String> message;
  private final List<Any> list;

  private Details(Optional<String> message, List<Any> list) {
    this.message = message;
    this.list = list;
  }

  /** Reads the value of grpc-status-details-bin, which may be null; nothing where it is not about a call with this code. */
  static Details read(io.grpc.Status.Code code, byte[] value) {
    Details none = new Details(Optional.empty(), Collections.emptyList());
    if (value == null) {
      return none;
    }
    Status status;
    try {
      status = Wire.decode(value, Status.getDefaultInstance());
    } catch (InvalidProtocolBufferException e) {
      return none;
    }
    if (io.grpc.Status.fromCodeValue(status.getCode()).getCode() != code) {
      return none;
    }
    List<Any> list = new ArrayList<>();
    int size = 0;
    for (Any any : status.getDetailsList()) {
      size += Text.size(any.getTypeUrl()) + any.getValue().size();
      if (list.size() == MAX_DETAILS || size > MAX_BYTES) {
        break;
      }
      list.add(any);
    }
    return new Details(Optional.of(status.getMessage()), list);
  }

  /** The message beside the details, where they were read. */
  Optional<String> message() {
    return message;
  }

  /** The details of a type, without those that do not decode. */
  <M extends Message> List<M> all(M type) {
    List<M> found = new ArrayList<>();
    for (Any any : list) {
      String url = any.getTypeUrl();
      if (!url.substring(url.lastIndexOf('/') + 1).equals(type.getDescriptorForType().getFullName())) {
        continue;
      }
      byte[] value = any.getValue().toByteArray();
      try {
        found.add(type instanceof ErrorDetail ? Wire.decodeEntries(value, type) : Wire.decode(value, type));
      } catch (InvalidProtocolBufferException e) {
        // Passed over.
      }
    }
    return found;
  }

  <M extends Message> Optional<M> first(M type) {
    return all(type).stream().findFirst();
  }
}
