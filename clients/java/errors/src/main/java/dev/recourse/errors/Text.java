package dev.recourse.errors;

import java.util.Comparator;

/** Texts from the network, made fit for a terminal, a line of a log, a label on a screen. */
final class Text {
  // Limits in bytes of UTF-8.
  static final int MESSAGE = 256; // a suggestion, an operation and any text in an action too
  static final int DOMAIN = 253;
  static final int ERROR_CODE = 63;
  static final int LABEL = 80;
  static final int REQUEST_ID = 128;
  static final int SOURCE = 64;
  static final int NO_LIMIT = Integer.MAX_VALUE;

  /** The order of UTF-8, which is not that of UTF-16. */
  static final Comparator<String> BY_CODE_POINT = (a, b) -> {
    int i = 0;
    while (i < a.length() && i < b.length()) {
      int x = a.codePointAt(i);
      int y = b.codePointAt(i);
      if (x != y) {
        return Integer.compare(x, y);
      }
      i += Character.charCount(x);
    }
    return Integer.compare(a.length(), b.length());
  };

  private static final int REPLACEMENT = 0xFFFD;
  private static final String CUT = "...";

  // First and last of each range. They are the same in every language, whatever Unicode it knows: conformance/text.json.
  private static final int[] SPACES = {
      0x0009, 0x000D, 0x0085, 0x0085, 0x00A0, 0x00A0, 0x1680, 0x1680, 0x2000, 0x200A, 0x2028, 0x2029,
      0x202F, 0x202F, 0x205F, 0x205F, 0x3000, 0x3000,
  };
  private static final int[] REMOVED = {
      0x0000, 0x0008, 0x000E, 0x001F, 0x007F, 0x0084, 0x0086, 0x009F, 0x00AD, 0x00AD, 0x034F, 0x034F,
      0x0600, 0x0605, 0x061C, 0x061C, 0x06DD, 0x06DD, 0x070F, 0x070F, 0x0890, 0x0891, 0x08E2, 0x08E2,
      0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180F, 0x200B, 0x200B, 0x200E, 0x200F, 0x202A, 0x202E,
      0x2060, 0x206F, 0x2800, 0x2800, 0x3164, 0x3164, 0xFE00, 0xFE0D, 0xFEFF, 0xFEFF, 0xFFA0, 0xFFA0,
      0xFFF0, 0xFFFB, 0x110BD, 0x110BD, 0x110CD, 0x110CD, 0x13430, 0x1343F, 0x1BCA0, 0x1BCA3, 0x1D173, 0x1D17A,
      0xE0000, 0xE0FFF,
  };

  private Text() {}

  /**
   * Returns a text on one line, without characters that do not show, without spaces at its ends, and cut to a limit: where
   * it has to be, it ends in "...".
   */
  static String clean(String text, int limit) {
    StringBuilder clean = new StringBuilder(text.length());
    text.codePoints().forEach(c -> {
      if (c == ' ' || in(SPACES, c)) {
        clean.append(' ');
      } else if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) { // half of a pair
        clean.appendCodePoint(REPLACEMENT);
      } else if (!in(REMOVED, c)) {
        clean.appendCodePoint(c);
      }
    });
    int start = 0;
    while (start < clean.length() && clean.charAt(start) == ' ') {
      start++;
    }
    return cut(withoutSpacesAtEnd(clean.substring(start)), limit);
  }

  private static String cut(String text, int limit) {
    if (size(text) <= limit) {
      return text;
    }
    int end = 0;
    int room = limit - CUT.length();
    while (true) {
      int c = text.codePointAt(end);
      room -= size(c);
      if (room < 0) {
        return withoutSpacesAtEnd(text.substring(0, end)) + CUT;
      }
      end += Character.charCount(c);
    }
  }

  private static String withoutSpacesAtEnd(String text) {
    int end = text.length();
    while (end > 0 && text.charAt(end - 1) == ' ') {
      end--;
    }
    return text.substring(0, end);
  }

  /** The size of a text in bytes of UTF-8. */
  static int size(String text) {
    return text.codePoints().map(Text::size).sum();
  }

  private static int size(int c) {
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  }

  private static boolean in(int[] ranges, int c) {
    for (int i = 0; i < ranges.length && ranges[i] <= c; i += 2) {
      if (c <= ranges[i + 1]) {
        return true;
      }
    }
    return false;
  }
}
