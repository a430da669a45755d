package sn9.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;

class JsonLinesFileTest {
    @TempDir
    Path dir;

    @Test
    void readsTextBeforeContent() throws Exception {
        Path file = dir.resolve("a.jsonl");
        Files.writeString(
                file,
                "{\"content\":\"no\",\"text\":\"one\",\"meta\":{\"text\":[1,{}]}}\r\n\n"
                        + "{\"content\":\"t\\u0077o\\ud800\",\"n\":1e5}\n  \n{\"text\":null,\"content\":\"three\"}");
        assertThat(rows(new JsonLinesFile(file))).containsExactly("one", "two\ufffd", "three");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[]",
                "\"text\"",
                "{\"text\":1}",
                "{\"txt\":\"a\"}",
                "{\"text\":\"a\"",
                "{\"text\":\"a\"} {}",
                "{\"text\":\"a",
                "{'text':'a'}",
                "{\"text\":\"a\u0001\"}",
                "not json"
            })
    void malformedLinesAreNamed(String line) throws Exception {
        Path file = dir.resolve("a.jsonl");
        Files.writeString(file, "{\"text\":\"fine\"}\n" + line + "\n");
        assertThatThrownBy(() -> rows(new JsonLinesFile(file)))
                .isInstanceOfSatisfying(MalformedDataException.class, e -> assertThat(e.offset())
                        .isEqualTo(16))
                .hasMessageContaining("a.jsonl")
                .hasMessageContaining("line 2");
    }

    @Test
    void hostileLinesAreBounded() throws Exception {
        Path file = dir.resolve("a.jsonl");
        Files.writeString(file, "{\"text\":" + "[".repeat(100_000));
        assertThatThrownBy(() -> rows(new JsonLinesFile(file)))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("line 1");
        Files.write(file, new byte[JsonLinesFile.MAX_LINE_BYTES + 1]);
        assertThatThrownBy(() -> rows(new JsonLinesFile(file)))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("longer than");
        Files.write(file, "{\"text\":\"\u00e9\"}".getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> rows(new JsonLinesFile(file)))
                .isInstanceOfSatisfying(MalformedDataException.class, e -> assertThat(e.offset())
                        .isEqualTo(9))
                .hasMessageContaining("UTF-8");
        Files.write(file, "{\"text\":\"utf-16\"}".getBytes(StandardCharsets.UTF_16));
        assertThatThrownBy(() -> rows(new JsonLinesFile(file))).isInstanceOf(MalformedDataException.class);
    }

    @Test
    void mutatedFilesGiveRowsOrMalformedData() throws Exception {
        var random = new Random(931);
        var valid = new StringBuilder();
        for (int i = 0; i < 20; i++) {
            valid.append(line(i % 2 == 0 ? "text" : "content", RowsTest.text(random, 300)));
        }
        byte[] bytes = valid.toString().getBytes(StandardCharsets.UTF_8);
        Path file = dir.resolve("a.jsonl");
        int refused = 0;
        for (int i = 0; i < 1000; i++) {
            Files.write(file, mutated(bytes, random));
            try {
                rows(new JsonLinesFile(file));
            } catch (MalformedDataException e) {
                assertThat(e).hasMessageContaining("a.jsonl");
                refused++;
            }
        }
        assertThat(refused).isBetween(150, 990);
    }

    /** One line of a jsonl file. */
    static String line(String field, String text) throws IOException {
        return new ObjectMapper().writeValueAsString(Map.of("id", text.length(), field, text)) + "\n";
    }

    /** The rows of a file, read in the walk that indexes it and again by their places. */
    static List<String> rows(CorpusFile file) throws IOException {
        var walked = new ArrayList<String>();
        var places = new ArrayList<long[]>();
        file.index(new CorpusFile.Index() {
            @Override
            public void row(long position, int length, int part, byte[] bytes, int from, int to) {
                walked.add(new String(bytes, from, to - from, StandardCharsets.UTF_8));
                places.add(new long[] {position, length, part});
            }

            @Override
            public void endDocument() {}
        });
        try (CorpusFile.RowReader reader = file.open()) {
            for (int i = 0; i < walked.size(); i++) {
                long[] place = places.get(i);
                assertThat(reader.row(place[0], (int) place[1], (int) place[2])).isEqualTo(walked.get(i));
            }
            if (!walked.isEmpty()) {
                assertThat(reader.row(places.get(0)[0], (int) places.get(0)[1], (int) places.get(0)[2]))
                        .isEqualTo(walked.get(0));
            }
        }
        return walked;
    }

    /** A copy with a few bytes changed, a piece cut out or the end missing. */
    static byte[] mutated(byte[] bytes, Random random) {
        byte[] copy = bytes.clone();
        int changes = random.nextInt(4);
        for (int i = 0; i < changes; i++) {
            int at = random.nextInt(copy.length);
            copy[at] = switch (random.nextInt(4)) {
                case 0 -> (byte) 0xFF;
                case 1 -> 0;
                case 2 -> (byte) (copy[at] ^ 1 << random.nextInt(8));
                default -> (byte) random.nextInt(256);
            };
        }
        if (random.nextInt(8) == 0) {
            return Arrays.copyOf(copy, random.nextInt(copy.length));
        }
        return copy;
    }
}
