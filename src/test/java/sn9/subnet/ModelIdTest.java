package sn9.subnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;

class ModelIdTest {
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    private static final String HASH = "1Pi1HyQbqe9FShGMZ2Y6js5rOGZC09eNOuWawKUT0J0=";
    private static final String TEXT = "jdoe:my-gpt2:" + COMMIT + ":" + HASH;

    @Test
    void writesThePublishedVector() {
        ModelId id = new ModelId("jdoe", "my-gpt2", COMMIT, HASH);
        assertThat(id.toCompressedString()).isEqualTo(TEXT).hasSize(98);
        assertThat(id.repoId()).isEqualTo("jdoe/my-gpt2");
        assertThat(id.isComplete()).isTrue();
    }

    @Test
    void readsFourFieldsAndIgnoresAFifth() throws Exception {
        ModelId id = new ModelId("jdoe", "my-gpt2", COMMIT, HASH);
        assertThat(ModelId.parse(TEXT)).isEqualTo(id);
        assertThat(ModelId.parse(TEXT + ":1")).isEqualTo(id);
    }

    @Test
    void keepsTheLiteralNoneOfTheReference() throws Exception {
        ModelId id = ModelId.parse("jdoe:my-gpt2:None:None");
        assertThat(id.isComplete()).isFalse();
        assertThat(id.toCompressedString()).isEqualTo("jdoe:my-gpt2:None:None");
        assertThat(ModelId.parse("jdoe:my-gpt2:" + COMMIT + ":None").isComplete())
                .isFalse();
    }

    @Test
    void theLongestIdHas127Bytes() throws Exception {
        ModelId id = new ModelId("n".repeat(20), "m".repeat(20), COMMIT, HASH);
        assertThat(id.repoId()).hasSize(RepoId.MAX_LENGTH);
        assertThat(id.toCompressedString().getBytes(StandardCharsets.UTF_8)).hasSize(127);
        assertThat(ModelId.parse(id.toCompressedString())).isEqualTo(id);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a",
                ":::",
                "jdoe:my-gpt2:" + COMMIT,
                "jdoe:my-gpt2:" + COMMIT + ":",
                "jdoe:my-gpt2::" + HASH,
                "jdoe:my-gpt2:0123:" + HASH,
                "jdoe:my-gpt2:" + COMMIT + "0:" + HASH,
                "jdoe:my-gpt2:g123456789abcdef0123456789abcdef01234567:" + HASH,
                "jdoe:my-gpt2:" + COMMIT + ":" + COMMIT,
                "../..:etc:" + COMMIT + ":" + HASH,
                "jdoe:../../etc:" + COMMIT + ":" + HASH,
                "jdoe:a/b:" + COMMIT + ":" + HASH,
                "jdoe:a--b:" + COMMIT + ":" + HASH,
                "a:b:None:None",
                "nnnnnnnnnnnnnnnnnnnnnnnnn:mmmmmmmmmmmmmmmmmmmmmmmmm:None:None"
            })
    void refusesMalformedText(String text) {
        assertThatThrownBy(() -> ModelId.parse(text)).isInstanceOf(MalformedDataException.class);
    }

    @Test
    void refusesMoreThan128BytesBeforeLookingInside() {
        assertThatThrownBy(() -> ModelId.parse(TEXT + ":" + "x".repeat(30)))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("at most 128 bytes");
        assertThatThrownBy(() -> ModelId.parse("é".repeat(65))).hasMessageContaining("at most 128 bytes");
    }

    @Test
    void neverRepeatsControlCharactersInItsMessages() {
        assertThatThrownBy(() -> ModelId.parse("a\nWARN all is lost"))
                .isInstanceOf(MalformedDataException.class)
                .hasMessage("commitment at byte 1: expected printable ASCII, found character 10");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a/bc", "A_1/x.y-z", "org/model", "_a/b_"})
    void takesOrdinaryRepositoryIds(String text) {
        assertThat(RepoId.parse(text)).hasToString(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a/b", "abc", "a/b/c", "/abc", "abc/", "../x", ".a/bc", "a/bc.", "a b/c", "a:b/c", "a/b\n"})
    void refusesOtherRepositoryIds(String text) {
        assertThatThrownBy(() -> RepoId.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Property(seed = "9")
    void anyTextIsReadOrRefused(@ForAll @StringLength(max = 200) String text) {
        parsesOrRefuses(text);
    }

    @Property(seed = "9")
    void oneCharacterChangedIsReadOrRefused(
            @ForAll @CharRange(from = 0, to = 0x17f) char c, @ForAll @StringLength(max = 2) String tail) {
        for (int at = 0; at < TEXT.length(); at++) {
            parsesOrRefuses(TEXT.substring(0, at) + c + TEXT.substring(at + 1) + tail);
        }
    }

    @Property(seed = "9", tries = 200)
    void formattingThenParsingIsTheIdentity(
            @ForAll @CharRange(from = 'a', to = 'z') @StringLength(min = 1, max = 20) String namespace,
            @ForAll @CharRange(from = '0', to = '9') @StringLength(min = 1, max = 20) String name)
            throws Exception {
        Assume.that(namespace.length() + name.length() >= 3);
        ModelId id = new ModelId(namespace, name, COMMIT, HASH);
        assertThat(ModelId.parse(id.toCompressedString())).isEqualTo(id);
    }

    private static void parsesOrRefuses(String text) {
        try {
            ModelId id = ModelId.parse(text);
            assertThat(text).startsWith(id.toCompressedString());
        } catch (MalformedDataException e) {
            assertThat(e.getMessage()).startsWith("commitment").matches("\\p{Print}*");
        }
    }
}
