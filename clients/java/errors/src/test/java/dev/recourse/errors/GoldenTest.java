package dev.recourse.errors;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every golden file is read as every other language reads it. */
class GoldenTest {
  static final Path FOLDER = Path.of("../../../conformance/golden");

  @TestFactory
  Stream<DynamicTest> reads() throws IOException {
    return GoldenFile.load(FOLDER).stream()
        .map(file -> DynamicTest.dynamicTest(file.name(), () -> assertEquals("", file.differs(file.read()))));
  }
}
