package dev.recourse.errors;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.WireFormat;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;

/** Encoded messages from a stranger. */
final class Wire {
  private static final int MAX_NESTING = 64;

  private Wire() {}

  /**
   * Decodes a message of a type. Protobuf refuses all of it for one byte in a string that is no UTF-8; here it costs that
   * byte.
   */
  static <M extends Message> M decode(byte[] value, M type) throws InvalidProtocolBufferException {
    try {
      return parse(value, type);
    } catch (IOException e) {
      try {
        return parse(mend(value, type.getDescriptorForType(), MAX_NESTING), type);
      } catch (IOException broken) {
        throw new InvalidProtocolBufferException(broken);
      }
    }
  }

  /** Decodes a message of a type, where an entry of a list that does not decode is left out alone. */
  static <M extends Message> M decodeEntries(byte[] value, M type) throws InvalidProtocolBufferException {
    byte[] sound;
    try {
      sound = copy(value, (tag, bytes) -> {
        FieldDescriptor field = type.getDescriptorForType().findFieldByNumber(WireFormat.getTagFieldNumber(tag));
        if (field == null || !field.isRepeated() || field.getJavaType() != FieldDescriptor.JavaType.MESSAGE) {
          return bytes;
        }
        try {
          Message entry = type.newBuilderForType().newBuilderForField(field).buildPartial();
          return decode(bytes.toByteArray(), entry).toByteString();
        } catch (InvalidProtocolBufferException e) {
          return null;
        }
      });
    } catch (IOException e) {
      throw new InvalidProtocolBufferException(e);
    }
    return decode(sound, type);
  }

  @SuppressWarnings("unchecked") // a builder builds what it was made by
  private static <M extends Message> M parse(byte[] value, M type) throws IOException {
    CodedInputStream in = CodedInputStream.newInstance(value);
    in.setRecursionLimit(MAX_NESTING);
    Message.Builder builder = type.newBuilderForType().mergeFrom(in);
    in.checkLastTagWas(0);
    return (M) builder.build();
  }

  /** Copies an encoded message with every string made UTF-8. */
  private static byte[] mend(byte[] value, Descriptor type, int depth) throws IOException {
    if (depth == 0) {
      throw new InvalidProtocolBufferException("nested too deeply");
    }
    return copy(value, (tag, bytes) -> {
      FieldDescriptor field = type.findFieldByNumber(WireFormat.getTagFieldNumber(tag));
      if (field == null) {
        return bytes;
      }
      switch (field.getJavaType()) {
        case STRING:
          return ByteString.copyFromUtf8(text(bytes));
        case MESSAGE:
          return ByteString.copyFrom(mend(bytes.toByteArray(), field.getMessageType(), depth - 1));
        default:
          return bytes;
      }
    });
  }

  private interface Change {
    /** Returns what stands in the copy for the value of a field of bytes; null for nothing. */
    ByteString apply(int tag, ByteString value) throws IOException;
  }

  private static byte[] copy(byte[] value, Change change) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(value.length);
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    CodedInputStream in = CodedInputStream.newInstance(value);
    in.setRecursionLimit(MAX_NESTING);
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (WireFormat.getTagWireType(tag) != WireFormat.WIRETYPE_LENGTH_DELIMITED) {
        if (!in.skipField(tag, out)) {
          throw new InvalidProtocolBufferException("a group ends that has not begun");
        }
        continue;
      }
      ByteString changed = change.apply(tag, in.readBytes());
      if (changed != null) {
        out.writeUInt32NoTag(tag);
        out.writeBytesNoTag(changed);
      }
    }
    out.flush();
    return bytes.toByteArray();
  }

  /** Decodes UTF-8, with one U+FFFD for each run of bytes that is none. */
  private static String text(ByteString bytes) {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder(); // which reports what is malformed
    ByteBuffer in = bytes.asReadOnlyByteBuffer();
    CharBuffer out = CharBuffer.allocate(bytes.size() + 1);
    int behind = -1; // where the last run ended
    for (CoderResult r = decoder.decode(in, out, true); r.isError(); r = decoder.decode(in, out, true)) {
      if (in.position() != behind) {
        out.put('\uFFFD');
      }
      in.position(in.position() + r.length());
      behind = in.position();
    }
    return out.flip().toString();
  }
}
