import { ScalarType } from "@bufbuild/protobuf";
import { reflect, type ReflectList, type ReflectMap, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import {
  RecoveryAction_Actor as Actor,
  RecoveryActionSchema,
  type RecoveryAction,
} from "../gen/recourse/v1/recovery_action_pb.js";
import { clean, compareBytes } from "./text.js";

const maxActions = 5;
const maxLabel = 80;
const maxText = 256;
const maxList = 25;

/** tidyActions keeps the actions that a reader shows, within the limits and with clean texts. It takes ownership. */
export function tidyActions(actions: readonly RecoveryAction[]): RecoveryAction[] {
  const shown = actions
    .filter((a) => a.action.case !== "openLink" || a.action.value.url.startsWith("https://"))
    .slice(0, maxActions);
  for (const action of shown) {
    tidy(reflect(RecoveryActionSchema, action));
    action.label = clean(action.label, maxLabel);
    if (!(action.actor in Actor)) {
      action.actor = Actor.UNSPECIFIED;
    }
  }
  return shown;
}

// tidy cleans all texts of a message. It was decoded, and is no deeper than that allows.
function tidy(message: ReflectMessage): void {
  for (const field of message.fields) {
    if (!message.isSet(field)) {
      continue;
    }
    switch (field.fieldKind) {
      case "message":
        tidy(message.get(field));
        break;
      case "list":
        tidyList(message.get(field));
        break;
      case "map":
        tidyMap(message.get(field));
        break;
      case "scalar":
        if (field.scalar === ScalarType.STRING) {
          message.set(field, cleanText(message.get(field)));
        }
    }
  }
}

function tidyList(list: ReflectList): void {
  const items = [...list].slice(0, maxList);
  const { listKind, scalar } = list.field();
  list.clear();
  for (const item of items) {
    if (listKind === "message") {
      tidy(item as ReflectMessage);
    }
    list.add(scalar === ScalarType.STRING ? cleanText(item) : item);
  }
}

// The maps of recovery actions have texts for keys and for values.
function tidyMap(map: ReflectMap): void {
  const entries = [...map].sort(([a], [b]) => compareBytes(String(a), String(b)));
  map.clear();
  for (const [key, value] of entries) {
    map.set(cleanText(key), cleanText(value));
  }
}

function cleanText(text: unknown): string {
  return clean(String(text), maxText);
}
