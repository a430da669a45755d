package sn9.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class Gpt2TokenizerTest {
    private static final Encoding PEER = Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);

    private final Gpt2Tokenizer tokenizer = new Gpt2Tokenizer();

    @Test
    void recognisesEndOfTextInsideText() {
        assertThat(tokenizer.encode("Hello<|endoftext|>world")).containsExactly(15496, 50256, 6894);
        assertThat(tokenizer.encode("<|endoftext|><|endoftext|>")).containsExactly(50256, 50256);
        assertThat(tokenizer.encode("Hello <|endoftext|> world")).containsExactly(15496, 220, 50256, 995);
        assertThat(tokenizer.encode("<|endoftext|")).containsExactly(27, 91, 437, 1659, 5239, 91);
    }

    @Test
    void knownIds() {
        assertThat(tokenizer.encode("")).isEmpty();
        assertThat(tokenizer.encode("Hello world")).containsExactly(15496, 995);
        assertThat(tokenizer.encode("!")).containsExactly(0);
        assertThat(tokenizer.encode(" ")).containsExactly(220);
        assertThat(tokenizer.encode("\n")).containsExactly(198);
        assertThat(tokenizer.encode("\n\n")).containsExactly(628);
        assertThat(tokenizer.encode("\u00a0")).containsExactly(1849);
    }

    static Stream<String> edges() {
        return Stream.of(
                "",
                " leading and trailing ",
                "  two  blanks   three    ",
                "they'LL they'll THEY'RE isn't I'VE i've \u2019ll it's 's's",
                "\t tab\r\nCRLF\n\n\nlines \n next",
                "a\u00a0b \u00a0c\u0085d\u2003e\u3000f \u180eg",
                "\u65e5\u672c\u8a9e\u306e\u6587\u7ae0\u3002\u6b21",
                "\ud83d\ude00 \ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67 e\u0301 \u0301",
                "\u001c\u001d\u001e\u001f\u0000\u007f",
                "\u00bd \u0661\u0662\u0663 12345 1,234.5 x2 2x",
                "x".repeat(300),
                " ".repeat(300) + "end",
                "-".repeat(64) + "=".repeat(64));
    }

    @ParameterizedTest
    @MethodSource("edges")
    void agreesWithPlainMergingOnEdges(String text) {
        assertThat(tokenizer.encode(text)).isEqualTo(PlainBpe.encode(text));
        assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
    }

    @Property(tries = 300, seed = "901")
    void agreesWithPlainMerging(@ForAll @StringLength(max = 300) String text) {
        String clean = Gpt2Tokenizer.wellFormed(text);
        assertThat(tokenizer.encode(text)).isEqualTo(PlainBpe.encode(clean));
    }

    /** jtokkit, which shares nothing with ours but the list of tokens. */
    private static int[] peer(String text) {
        return PEER.encodeOrdinary(text).toArray();
    }

    @Property(tries = 400, seed = "905")
    void agreesWithJtokkitOnEveryScript(@ForAll @Size(max = 60) List<@IntRange(max = 0x10FFFF) Integer> points) {
        var text = new StringBuilder();
        for (int point : points) {
            // Runs of a script, of blanks and of marks, which single random characters never are.
            int first = point % 3 == 0 ? point % 0x3000 : point;
            for (int i = 0; i <= point % 7; i++) {
                int next = Math.min(first + i, Character.MAX_CODE_POINT);
                text.appendCodePoint(Character.getType(next) == Character.SURROGATE ? ' ' : next);
            }
            text.append(point % 5 == 0 ? " " : "");
        }
        assertThat(tokenizer.encode(text.toString())).isEqualTo(peer(text.toString()));
    }

    @Property(tries = 100, seed = "906")
    void agreesWithJtokkitOnLongPieces(@ForAll @IntRange(min = 1, max = 20_000) int length, @ForAll long seed) {
        var random = new SplittableRandom(seed);
        // Few letters and repeated parts: merges of many ranks, ties among them.
        String part = random.ints(random.nextInt(1, 12), 'a', 'g')
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
        var text = new StringBuilder();
        while (text.length() < length) {
            text.append(random.nextInt(4) == 0 ? "ing" : part);
        }
        assertThat(tokenizer.encode(text.toString())).isEqualTo(peer(text.toString()));
    }

    @Test
    void agreesWithJtokkitOnThisRepositorysTexts() throws IOException {
        try (Stream<Path> walk = Files.walk(Path.of(""), 8)) {
            List<Path> files = walk.filter(path -> path.toString().matches("(README|docs/|src/).*\\.(md|java)"))
                    .toList();
            assertThat(files).hasSizeGreaterThan(100);
            for (Path file : files) {
                String text = Files.readString(file).replace("<|endoftext|>", "");
                assertThat(tokenizer.encode(text)).as(file.toString()).isEqualTo(peer(text));
            }
        }
    }

    @Test
    void everyTokensBytesMergeToIt() {
        Vocabulary vocabulary = Vocabulary.gpt2();
        var merge = new Merge(vocabulary);
        for (int token = 0; token < Gpt2Tokenizer.EOS; token++) {
            byte[] bytes = vocabulary.bytes(new int[] {token});
            assertThat(merge.run(bytes, 0, bytes.length)).isOne();
            assertThat(merge.token(0)).isEqualTo(token);
            assertThat(vocabulary.word(bytes, 0, bytes.length)).isEqualTo(token);
        }
    }

    @Property(tries = 60, seed = "902")
    void agreesWithPlainMergingOnLongRuns(@ForAll @IntRange(min = 1, max = 1500) int length, @ForAll int salt) {
        String letters = "aeinorst.xyz";
        var text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.append(letters.charAt(Math.floorMod(Integer.hashCode(salt * 31 + i * 0x9E3779B9) >>> 7, 9)));
        }
        assertThat(tokenizer.encode(text.toString())).isEqualTo(PlainBpe.encode(text.toString()));
    }

    @Property(tries = 500, seed = "903")
    void decodeUndoesEncode(@ForAll @StringLength(max = 400) String text) {
        String clean = Gpt2Tokenizer.wellFormed(text);
        assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(clean);
    }

    @Property(tries = 40, seed = "904")
    void aCutEncodingIsAPrefix(@ForAll @IntRange(min = 0, max = 9000) int maxTokens, @ForAll int salt) {
        var text = new StringBuilder();
        for (int i = 0; text.length() < 50_000; i++) {
            int kind = i % 5000 == 4999 ? 2 : Math.floorMod(Integer.rotateLeft(salt + i * 0x85EBCA6B, i % 31), 11);
            text.append(
                    switch (kind) {
                        case 0 -> "\n\n";
                        case 1 -> "   ";
                        case 2 -> i % 5000 == 4999 ? "<|endoftext|>" : "unbroken";
                        case 3 -> " \u4f60\u597d";
                        case 4 -> "'ll";
                        case 5 -> "123";
                        default -> " word" + kind;
                    });
        }
        int[] whole = PlainBpe.encode(text.toString());
        assertThat(tokenizer.encode(text.toString())).isEqualTo(whole);
        assertThat(tokenizer.encode(text.toString(), maxTokens))
                .isEqualTo(Arrays.copyOf(whole, Math.min(whole.length, maxTokens)));
    }

    @Test
    void aCutEncodingDoesNotReadALongTextToItsEnd() {
        String text = "some words ".repeat(10_000_000);
        tokenizer.encode("warm");
        Assertions.assertTimeout(Duration.ofSeconds(2), () -> assertThat(tokenizer.encode(text, 1024))
                .hasSize(1024));
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", " ", "\n", "\u00a0", "ab", "!?"})
    void aRunWithoutBlanksTakesNoQuadraticTime(String unit) {
        String text = unit.repeat(1_000_000 / unit.length());
        // Quadratic merging would take hours; this is some two seconds.
        int[] tokens = Assertions.assertTimeout(Duration.ofSeconds(60), () -> tokenizer.encode(text));
        assertThat(tokenizer.decode(tokens)).isEqualTo(text);
    }

    @Test
    void loneSurrogatesBecomeReplacementCharacters() {
        assertThat(Gpt2Tokenizer.wellFormed("a\ud800b\udc00\ud83d\ude00\ud83d"))
                .isEqualTo("a\ufffdb\ufffd\ud83d\ude00\ufffd");
        assertThat(tokenizer.encode("a\ud800b")).isEqualTo(tokenizer.encode("a\ufffdb"));
    }

    @Test
    void decodesACutCharacter() {
        int[] tokens = tokenizer.encode("\ud83e\udd80");
        assertThat(tokens.length).isGreaterThan(1);
        assertThat(tokenizer.decode(Arrays.copyOf(tokens, tokens.length - 1))).contains("\ufffd");
    }

    @Test
    void everyTokenDecodes() {
        for (int token = 0; token < Gpt2Tokenizer.VOCABULARY; token++) {
            assertThat(tokenizer.decode(new int[] {token})).isNotEmpty();
        }
        assertThat(tokenizer.decode(new int[] {Gpt2Tokenizer.EOS})).isEqualTo("<|endoftext|>");
    }

    @Test
    void refusesTokensOutsideTheVocabulary() {
        assertThatThrownBy(() -> tokenizer.decode(new int[] {50257}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("50257");
        assertThatThrownBy(() -> tokenizer.decode(new int[] {-1})).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> tokenizer.encode("a", -1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void severalThreadsGetTheSameTokens() throws Exception {
        String text = "The state of the union, \u00e9t\u00e9 1<|endoftext|>23. ".repeat(500);
        int[] expected = tokenizer.encode(text);
        List<Callable<int[]>> tasks = IntStream.range(0, 8)
                .<Callable<int[]>>mapToObj(i -> () -> tokenizer.encode(text))
                .toList();
        try (var threads = Executors.newFixedThreadPool(4)) {
            for (Future<int[]> tokens : threads.invokeAll(tasks)) {
                assertThat(tokens.get()).isEqualTo(expected);
            }
        }
    }
}
