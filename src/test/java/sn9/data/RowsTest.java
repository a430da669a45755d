package sn9.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import sn9.MalformedDataException;

class RowsTest {
    @Test
    void endsRowsAtSentences() {
        String sentence = "This one has twenty-nine bytes. "; // 32 with the blank
        List<String> rows = Rows.of(sentence.repeat(200));
        assertThat(rows).hasSize(3);
        assertThat(rows.get(0)).isEqualTo(sentence.repeat(93).strip());
        assertThat(rows).allSatisfy(row -> assertThat(row).startsWith("This").endsWith("bytes."));
    }

    @Test
    void knowsClosersParagraphsAndWideStops() {
        String filler = "w ".repeat(1450);
        assertThat(Rows.of(filler + "end.\u201d " + "v ".repeat(100)).getFirst())
                .endsWith("end.\u201d");
        assertThat(Rows.of(filler + "end!\") " + "v ".repeat(100)).getFirst()).endsWith("end!\")");
        assertThat(Rows.of(filler + "Heading\n\n" + "v ".repeat(100)).getFirst())
                .endsWith("Heading");
        assertThat(Rows.of("\u5b57".repeat(900) + "\u3002" + "\u6587".repeat(500))
                        .getFirst())
                .endsWith("\u3002");
    }

    @Test
    void fallsBackToBlanksAndThenToCharacters() {
        assertThat(Rows.of("word ".repeat(1000)).getFirst()).endsWith("word").hasSize(2999);
        List<String> rows = Rows.of("a" + "\ud83d\ude00".repeat(2000));
        assertThat(rows).hasSize(3);
        assertThat(rows.getFirst().getBytes(StandardCharsets.UTF_8)).hasSize(2997);
        assertThat(String.join("", rows)).isEqualTo("a" + "\ud83d\ude00".repeat(2000));
    }

    @Test
    void dropsBlanksOnly() {
        assertThat(Rows.of("")).isEmpty();
        assertThat(Rows.of(" \n\t ")).isEmpty();
        assertThat(Rows.of("\n one \n")).containsExactly("one");
        assertThat(Rows.of("x".repeat(3000))).hasSize(1);
        assertThat(Rows.of("x".repeat(3001))).hasSize(2);
    }

    @Property(tries = 400, seed = "921")
    void keepsEveryWordInRowsThatFit(@ForAll long seed) {
        String text = text(new Random(seed), 12_000);
        List<String> rows = Rows.of(text);
        assertThat(rows).allSatisfy(row -> {
            assertThat(row.getBytes(StandardCharsets.UTF_8).length).isBetween(1, Rows.MAX_BYTES);
            assertThat(row).doesNotContain("\ufffd");
        });
        assertThat(withoutBlanks(String.join("", rows))).isEqualTo(withoutBlanks(text));
    }

    @Test
    void namesTheByteThatIsNoUtf8() {
        byte[] bytes = {'a', (byte) 0xC3, (byte) 0xA9, (byte) 0xFF, 'b'};
        assertThatThrownBy(() -> Rows.decode(bytes, 0, 5, "a file", 100))
                .isInstanceOfSatisfying(MalformedDataException.class, e -> assertThat(e.offset())
                        .isEqualTo(103))
                .hasMessageContaining("0xff");
    }

    static String text(Random random, int maxLength) {
        var text = new StringBuilder();
        int length = random.nextInt(maxLength);
        String[] marks = {" ", " ", "  ", "\n", "\n\n", ". ", "! ", "?\u201d ", "\u3002", ".) ", "", ""};
        while (text.length() < length) {
            int letters = random.nextInt(random.nextInt(20) == 0 ? 4000 : 12);
            for (int i = 0; i < letters; i++) {
                text.appendCodePoint(
                        switch (random.nextInt(8)) {
                            case 0 -> 0xE9;
                            case 1 -> 0x6587;
                            case 2 -> 0x1F600;
                            default -> 'a' + random.nextInt(26);
                        });
            }
            text.append(marks[random.nextInt(marks.length)]);
        }
        return text.toString();
    }

    static String withoutBlanks(String text) {
        return text.replaceAll("[ \\t\\n\\x0b\\f\\r]", "");
    }
}
