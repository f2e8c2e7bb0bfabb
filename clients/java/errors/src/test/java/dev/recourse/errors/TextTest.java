package dev.recourse.errors;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class TextTest {
  @Test
  void treatsEveryCharacterAsTheTableSays() throws IOException {
    JsonObject table = JsonParser.parseString(Files.readString(Path.of("../../../conformance/text.json"))).getAsJsonObject();
    String[] want = new String[Character.MAX_CODE_POINT + 1];
    fill(want, table, "spaces", "x x");
    fill(want, table, "removed", "xx");
    for (int c = 0; c < want.length; c++) {
      if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
        continue;
      }
      String text = "x" + Character.toString(c) + "x";
      assertEquals(want[c] == null ? text : want[c], Text.clean(text, Text.NO_LIMIT), "U+" + Integer.toHexString(c));
    }
  }

  private static void fill(String[] want, JsonObject table, String key, String text) {
    for (JsonElement range : table.getAsJsonArray(key)) {
      for (int c = range.getAsJsonArray().get(0).getAsInt(); c <= range.getAsJsonArray().get(1).getAsInt(); c++) {
        want[c] = text;
      }
    }
  }

  @Test
  void cutsAtACharacterByBytes() {
    assertEquals("abcdef", Text.clean("abcdef", 6));
    assertEquals("abc...", Text.clean("abcdefg", 6));
    assertEquals("ab...", Text.clean("ab defgh", 6));
    assertEquals("üü...", Text.clean("üüüü", 7));
    assertEquals("ü...", Text.clean("üüüü", 6));
    assertEquals("...", Text.clean("👩👩", 6));
    assertEquals("本本", Text.clean(" 本本\n", 6));
  }

  @Test
  void replacesHalfACharacter() {
    assertEquals("a\uFFFDb", Text.clean("a\uD83Db", Text.NO_LIMIT));
  }

  @Test
  void sizesAndOrdersAsUtf8Does() {
    String[] texts = {"a", "ab", "b", "ü", "本", "\uFFFD", "👩"};
    for (int i = 0; i < texts.length; i++) {
      assertEquals(texts[i].getBytes(StandardCharsets.UTF_8).length, Text.size(texts[i]));
      assertTrue(i == 0 || Text.BY_CODE_POINT.compare(texts[i - 1], texts[i]) < 0, texts[i]);
    }
  }
}
