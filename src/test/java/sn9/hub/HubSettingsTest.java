package sn9.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;
import sn9.Secret;

class HubSettingsTest {
    @TempDir
    private Path home;

    @Test
    void withoutAnythingSetThePublicHubIsAskedByNobody() throws IOException {
        var settings = settings(Map.of());
        assertThat(settings.endpoint()).isEqualTo("https://huggingface.co");
        assertThat(settings.token()).isEmpty();
        assertThat(settings.cache()).isEqualTo(home.resolve(".cache/huggingface/hub"));
        assertThat(settings.offline()).isFalse();
    }

    @Test
    void theTokenComesFromTheFirstPlaceThatHasOne() throws IOException {
        Path file = Files.writeString(home.resolve("mine"), " hf_file\r\n");
        Path usual = Files.createDirectories(home.resolve(".cache/huggingface")).resolve("token");
        Files.writeString(usual, "hf_usual\n");
        var all = Map.of("HF_ACCESS_TOKEN", "hf_a", "HF_TOKEN", "hf_b", "HUGGING_FACE_HUB_TOKEN", "hf_c");
        assertThat(token(HubSettings.of(name -> Optional.ofNullable(all.get(name)), home, Optional.of(file))))
                .isEqualTo("hf_file");
        assertThat(token(settings(all))).isEqualTo("hf_a");
        assertThat(token(settings(Map.of("HF_TOKEN", "hf_b\n", "HUGGING_FACE_HUB_TOKEN", "hf_c"))))
                .isEqualTo("hf_b");
        assertThat(token(settings(Map.of("HUGGING_FACE_HUB_TOKEN", "hf_c")))).isEqualTo("hf_c");
        assertThat(token(settings(Map.of()))).isEqualTo("hf_usual");
        assertThat(settings(Map.of("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1", "HF_TOKEN", "hf_b"))
                        .token())
                .isEmpty();
        assertThat(settings(all).toString()).doesNotContain("hf_a");
    }

    @Test
    void aTokenFileThatWasNamedMustBeThereAndSmall() throws IOException {
        assertThatThrownBy(() -> HubSettings.of(name -> Optional.empty(), home, Optional.of(home.resolve("none"))))
                .isInstanceOf(NoSuchFileException.class);
        Path log = Files.writeString(home.resolve("log"), "x".repeat(5000));
        assertThatThrownBy(() -> HubSettings.of(name -> Optional.empty(), home, Optional.of(log)))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageNotContaining("xxx");
    }

    @Test
    void foldersAreThoseOfOtherTools() throws IOException {
        assertThat(settings(Map.of("XDG_CACHE_HOME", "/xdg")).cache()).isEqualTo(Path.of("/xdg/huggingface/hub"));
        assertThat(settings(Map.of("HF_HOME", "~/hf")).cache()).isEqualTo(home.resolve("hf/hub"));
        assertThat(settings(Map.of("HF_HOME", "$BASE/hf", "BASE", "/data")).cache())
                .isEqualTo(Path.of("/data/hf/hub"));
        assertThat(settings(Map.of("HF_HOME", "/a", "HUGGINGFACE_HUB_CACHE", "/b", "HF_HUB_CACHE", "${X}/c", "X", "/d"))
                        .cache())
                .isEqualTo(Path.of("/d/c"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "on", "Yes", "TRUE"})
    void offlineHasManyNames(String yes) throws IOException {
        assertThat(settings(Map.of("HF_HUB_OFFLINE", yes)).offline()).isTrue();
        assertThat(settings(Map.of("TRANSFORMERS_OFFLINE", yes)).offline()).isTrue();
        assertThat(settings(Map.of("HF_HUB_OFFLINE", "0")).offline()).isFalse();
    }

    @Test
    void anEndpointIsAnAddress() throws IOException {
        assertThat(settings(Map.of("HF_ENDPOINT", "http://127.0.0.1:8080//")).endpoint())
                .isEqualTo("http://127.0.0.1:8080");
        assertThatThrownBy(() -> settings(Map.of("HF_ENDPOINT", "hub.local")))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private HubSettings settings(Map<String, String> environment) throws IOException {
        return HubSettings.of(name -> Optional.ofNullable(environment.get(name)), home, Optional.empty());
    }

    private static String token(HubSettings settings) {
        return settings.token().map(Secret::reveal).orElseThrow();
    }
}
