package dev.recourse.errors;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.MapEntry;
import com.google.protobuf.Message;
import dev.recourse.v1.RecoveryAction;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Recovery actions, within the limits of what is taken from a stranger. */
final class Actions {
  private static final int MAX_ACTIONS = 5;
  private static final int MAX_LIST = 25;

  private Actions() {}

  /** Makes an action of its body, which is of one of the types of the oneof. */
  static RecoveryAction make(RecoveryAction.Actor actor, String label, Message body) {
    for (FieldDescriptor field : RecoveryAction.getDescriptor().getOneofs().get(0).getFields()) {
      if (field.getMessageType() == body.getDescriptorForType()) {
        return RecoveryAction.newBuilder().setActor(actor).setLabel(label).setField(field, body).build();
      }
    }
    throw new IllegalArgumentException(body.getDescriptorForType().getFullName());
  }

  /** Returns the first actions that a person may be shown, with clean texts and short lists. */
  static List<RecoveryAction> tidy(List<RecoveryAction> actions) {
    List<RecoveryAction> tidy = new ArrayList<>();
    for (RecoveryAction action : actions) {
      if (tidy.size() == MAX_ACTIONS) {
        break;
      }
      if (action.hasOpenLink() && !action.getOpenLink().getUrl().startsWith("https://")) {
        continue;
      }
      RecoveryAction.Builder builder = action.toBuilder();
      tidy(builder);
      builder.setLabel(Text.clean(action.getLabel(), Text.LABEL));
      if (action.getActor() == RecoveryAction.Actor.UNRECOGNIZED) {
        builder.setActor(RecoveryAction.Actor.ACTOR_UNSPECIFIED);
      }
      tidy.add(builder.build());
    }
    return tidy;
  }

  private static void tidy(Message.Builder message) {
    message.getAllFields().forEach((field, value) -> {
      if (!field.isRepeated()) {
        message.setField(field, tidy(field, value));
        return;
      }
      message.clearField(field);
      List<?> items = (List<?>) value;
      if (field.isMapField()) { // of texts, as all in actions
        items = new ArrayList<>(items);
        items.sort(Comparator.comparing(item -> (String) ((MapEntry<?, ?>) item).getKey(), Text.BY_CODE_POINT));
      } else {
        items = items.subList(0, Math.min(items.size(), MAX_LIST));
      }
      for (Object item : items) {
        message.addRepeatedField(field, tidy(field, item));
      }
    });
  }

  private static Object tidy(FieldDescriptor field, Object value) {
    switch (field.getJavaType()) {
      case STRING:
        return Text.clean((String) value, Text.MESSAGE);
      case MESSAGE:
        Message.Builder inner = ((Message) value).toBuilder();
        tidy(inner);
        return inner.build();
      default:
        return value;
    }
  }
}
