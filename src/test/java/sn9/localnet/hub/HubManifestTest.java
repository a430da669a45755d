package sn9.localnet.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;

class HubManifestTest {
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    private static final String SHA256 = "ab".repeat(32);
    private static final HubManifest MANIFEST = new HubManifest(
            "jdoe/my-gpt2",
            Optional.of(COMMIT),
            List.of(new HubManifest.Entry("config.json", 3, SHA256), new HubManifest.Entry("a/b c", 1L << 40, SHA256)));

    @Test
    void readsWhatItWrites() throws Exception {
        assertThat(HubManifest.parse("m", MANIFEST.toJson())).isEqualTo(MANIFEST);
        HubManifest first = new HubManifest("jdoe/my-gpt2", Optional.empty(), List.of());
        assertThat(HubManifest.parse("m", first.toJson())).isEqualTo(first);
    }

    /** The form on disk may not change: commits are named by it. */
    @Test
    void itsTextAndNameAreFixed() {
        HubManifest manifest = new HubManifest(
                "jdoe/my-gpt2", Optional.empty(), List.of(new HubManifest.Entry("config.json", 3, SHA256)));
        assertThat(new String(manifest.toJson(), StandardCharsets.UTF_8))
                .isEqualTo("{\"version\":1,\"repository\":\"jdoe/my-gpt2\",\"parent\":null,\"files\":"
                        + "[{\"path\":\"config.json\",\"bytes\":3,\"sha256\":\"" + SHA256 + "\"}]}\n");
        assertThat(HubManifest.commitOf("abc".getBytes(StandardCharsets.US_ASCII)))
                .isEqualTo("a9993e364706816aba3e25717850c26c9cd0d89d");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "[]",
                "{}",
                "{\"version\":1}",
                "{\"version\":2,\"repository\":\"a/bc\",\"parent\":null,\"files\":[]}",
                "{\"version\":1,\"repository\":7,\"parent\":null,\"files\":[]}",
                "{\"version\":1,\"repository\":\"a/bc\",\"files\":[]}",
                "{\"version\":1,\"repository\":\"a/bc\",\"parent\":\"x\",\"files\":[]}",
                "{\"version\":1,\"repository\":\"a/bc\",\"parent\":null,\"files\":{}}",
                "{\"version\":1,\"repository\":\"a/bc\",\"parent\":null,\"files\":[7]}",
                "{\"version\":1,\"version\":1,\"repository\":\"a/bc\",\"parent\":null,\"files\":[]}",
                "{\"version\":1,\"repository\":\"a/bc\",\"parent\":null,\"files\":[]} x",
                "{\"version\":1,\"repository\":\"a/bc\",\"parent\":null,\"files\":[[[[[[[[]]]]]]]]}"
            })
    void refusesOtherJson(String json) {
        assertThatThrownBy(() -> HubManifest.parse("m.json", json.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("m.json");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"path\":\"../x\",\"bytes\":1,\"sha256\":\"S\"",
                "\"path\":\"/x\",\"bytes\":1,\"sha256\":\"S\"",
                "\"path\":\"a//x\",\"bytes\":1,\"sha256\":\"S\"",
                "\"path\":\"a/./x\",\"bytes\":1,\"sha256\":\"S\"",
                "\"path\":\"a\\\\x\",\"bytes\":1,\"sha256\":\"S\"",
                "\"path\":\"\",\"bytes\":1,\"sha256\":\"S\"",
                "\"path\":\"x\",\"bytes\":-1,\"sha256\":\"S\"",
                "\"path\":\"x\",\"bytes\":1.5,\"sha256\":\"S\"",
                "\"path\":\"x\",\"bytes\":99999999999999999999,\"sha256\":\"S\"",
                "\"path\":\"x\",\"bytes\":\"1\",\"sha256\":\"S\"",
                "\"path\":\"x\",\"bytes\":1,\"sha256\":\"../S\"",
                "\"path\":\"x\",\"bytes\":1",
                "\"path\":\"x\",\"bytes\":1,\"sha256\":\"S\"},{\"path\":\"x\",\"bytes\":1,\"sha256\":\"S\""
            })
    void refusesOtherFiles(String file) {
        String json = "{\"version\":1,\"repository\":\"a/bc\",\"parent\":null,\"files\":[{" + file.replace("S", SHA256)
                + "}]}";
        assertThatThrownBy(() -> HubManifest.parse("m.json", json.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(MalformedDataException.class);
    }

    @Property(seed = "9", tries = 5000)
    void mutatedBytesAreReadOrRefused(@ForAll Random random) {
        byte[] json = MANIFEST.toJson();
        for (int n = 1 + random.nextInt(4); n > 0; n--) {
            json[random.nextInt(json.length)] =
                    (byte) (random.nextBoolean() ? random.nextInt() : "{}[]\",:0-e".charAt(random.nextInt(10)));
        }
        byte[] cut = random.nextInt(4) == 0 ? Arrays.copyOf(json, random.nextInt(json.length)) : json;
        try {
            for (HubManifest.Entry file : HubManifest.parse("m", cut).files()) {
                assertThat(HubManifest.pathFault(file.path())).isEmpty();
                assertThat(file.bytes()).isNotNegative();
                assertThat(file.sha256()).matches("[0-9a-f]{64}");
            }
        } catch (MalformedDataException e) {
            assertThat(e.source()).isEqualTo("m");
        }
    }
}
