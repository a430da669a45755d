package sn9.localnet.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.subnet.RemoteModelStore.RemoteFile;

class LocalHubTest {
    private static final String REPO = "jdoe/my-gpt2";

    @TempDir
    Path dir;

    private LocalHub hub;
    private Path model;
    private Path target;

    @BeforeEach
    void writeAModel() throws IOException {
        hub = LocalHub.open(dir);
        target = dir.resolve("downloads/file");
        model = Files.createDirectory(dir.resolve("model"));
        Files.writeString(model.resolve("config.json"), "{}\n");
        Files.write(model.resolve("model.safetensors"), new byte[3_000_000]);
        Files.writeString(Files.createDirectory(model.resolve("sub")).resolve("x.txt"), "x");
    }

    @Test
    void whatIsUploadedComesBack() throws Exception {
        String commit = hub.upload(REPO, model);
        assertThat(commit).matches("[0-9a-f]{40}");
        assertThat(hub.head(REPO)).contains(commit);
        assertThat(hub.files(REPO, commit))
                .containsExactly(
                        new RemoteFile("config.json", 3),
                        new RemoteFile("model.safetensors", 3_000_000),
                        new RemoteFile("sub/x.txt", 1));
        for (RemoteFile file : hub.files(REPO, commit)) {
            Path copy = dir.resolve("copy").resolve(file.path());
            hub.download(REPO, commit, file.path(), copy, file.bytes());
            assertThat(Files.mismatch(copy, model.resolve(file.path()))).isEqualTo(-1);
        }
        assertThat(temporaries()).isEmpty();
    }

    @Test
    void sameContentMakesNoNewCommitAndOldCommitsStay() throws Exception {
        String first = hub.upload(REPO, model);
        assertThat(hub.upload(REPO, model)).isEqualTo(first);
        Files.writeString(model.resolve("config.json"), "{ }\n");
        String second = LocalHub.open(dir).upload(REPO, model);
        assertThat(second).isNotEqualTo(first);
        hub.download(REPO, first, "config.json", target, 100);
        assertThat(target).hasContent("{}\n");
        Files.writeString(model.resolve("config.json"), "{}\n");
        assertThat(hub.upload(REPO, model)).isNotIn(first, second);
        hub.download(REPO, second, "config.json", target, 100);
        assertThat(target).hasContent("{ }\n");
    }

    @Test
    void absentThingsAreRefusedForGood() throws Exception {
        String commit = hub.upload(REPO, model);
        assertThat(hub.head("jdoe/other")).isEmpty();
        List<Callable<Object>> calls = List.of(
                () -> hub.files("jdoe/other", commit),
                () -> hub.files(REPO, "0".repeat(40)),
                () -> hub.files(REPO, "None"),
                () -> hub.files(REPO, "../refs/main"),
                () -> {
                    hub.download(REPO, commit, "absent", target, 100);
                    return null;
                },
                () -> {
                    hub.download(REPO, commit, "../../../chain.db", target, 100);
                    return null;
                });
        for (Callable<Object> call : calls) {
            assertThatExceptionOfType(RemoteCallException.class)
                    .isThrownBy(call::call)
                    .matches(e -> !e.retryable());
        }
        assertThat(target).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"../x", "a/b/c", "abc", "a/..", "", "/etc/passwd"})
    void refusesIdsThatAreNoRepository(String repoId) {
        assertThatThrownBy(() -> hub.upload(repoId, model)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> hub.files(repoId, "0".repeat(40))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesLinksAndEmptyDirectories() throws Exception {
        Files.createSymbolicLink(model.resolve("link"), model.resolve("config.json"));
        assertThatThrownBy(() -> hub.upload(REPO, model))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("link");
        Files.delete(model.resolve("link"));
        Files.createSymbolicLink(model.resolve("sub/up"), dir);
        assertThatThrownBy(() -> hub.upload(REPO, model)).hasMessageContaining("sub/up");
        assertThatThrownBy(() -> hub.upload(REPO, Files.createDirectory(dir.resolve("empty"))))
                .hasMessageContaining("no files");
        assertThatThrownBy(() -> hub.upload(REPO, dir.resolve("absent"))).hasMessageContaining("not a directory");
        assertThat(hub.head(REPO)).isEmpty();
    }

    @Test
    void refusesAFileLargerThanAllowed() throws Exception {
        String commit = hub.upload(REPO, model);
        assertThatThrownBy(() -> hub.download(REPO, commit, "model.safetensors", target, 2_999_999))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("3000000 bytes, at most 2999999");
        assertThat(target).doesNotExist();
    }

    @Test
    void aDamagedBlobNeverArrives() throws Exception {
        String commit = hub.upload(REPO, model);
        Files.writeString(target = dir.resolve("kept"), "before");
        for (byte[] content :
                new byte[][] {"{?\n".getBytes(StandardCharsets.UTF_8), new byte[0], new byte[5_000_000]}) {
            Path blob;
            try (Stream<Path> blobs = Files.list(dir.resolve("hub/jdoe/my-gpt2/blobs"))) {
                blob = blobs.filter(p -> p.getFileName().toString().startsWith("ca3d163b"))
                        .findFirst()
                        .orElseThrow();
            }
            Files.write(blob, content);
            assertThatThrownBy(() -> hub.download(REPO, commit, "config.json", target, 100))
                    .isInstanceOf(MalformedDataException.class)
                    .hasMessageContaining("expected 3 bytes");
            assertThat(target).hasContent("before");
        }
        assertThat(temporaries()).isEmpty();
    }

    @Test
    void aTamperedOrMisplacedCommitIsRefused() throws Exception {
        String commit = hub.upload(REPO, model);
        Path file = dir.resolve("hub/jdoe/my-gpt2/commits/" + commit + ".json");
        byte[] json = Files.readAllBytes(file);
        Path elsewhere = dir.resolve("hub/jdoe/other/commits/" + commit + ".json");
        Files.createDirectories(elsewhere.getParent());
        Files.write(elsewhere, json);
        assertThatThrownBy(() -> hub.files("jdoe/other", commit))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("expected a commit of jdoe/other");
        json[json.length / 2] ^= 1;
        Files.write(file, json);
        assertThatThrownBy(() -> hub.files(REPO, commit))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("SHA-1");
        Files.write(file, new byte[HubManifest.MAX_BYTES + 1]);
        assertThatThrownBy(() -> hub.files(REPO, commit)).hasMessageContaining("at most");
        Files.writeString(dir.resolve("hub/jdoe/my-gpt2/refs/main"), "what?");
        assertThatThrownBy(() -> hub.head(REPO)).isInstanceOf(MalformedDataException.class);
    }

    @Test
    void uploadsAtOnceLeaveWholeCommits() throws Exception {
        List<Callable<String>> uploads = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            Path mine = Files.createDirectory(dir.resolve("model-" + i));
            Files.writeString(mine.resolve("config.json"), "{\"n\":" + i % 4 + "}");
            Files.write(mine.resolve("model.safetensors"), new byte[100_000]);
            uploads.add(() -> LocalHub.open(dir).upload(REPO, mine));
        }
        List<String> commits = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            for (Future<String> upload : threads.invokeAll(uploads)) {
                commits.add(upload.get());
            }
        }
        for (int i = 0; i < commits.size(); i++) {
            hub.download(REPO, commits.get(i), "config.json", target, 100);
            assertThat(target).hasContent("{\"n\":" + i % 4 + "}");
        }
        assertThat(hub.head(REPO))
                .hasValueSatisfying(head -> assertThat(commits).contains(head));
        assertThat(temporaries()).isEmpty();
    }

    @Test
    void anInterruptEndsADownloadAndLeavesNothing() throws Exception {
        String commit = hub.upload(REPO, model);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> hub.download(REPO, commit, "model.safetensors", target, 3_000_000))
                .isInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isFalse();
        assertThat(target).doesNotExist();
        assertThat(temporaries()).isEmpty();
    }

    private List<Path> temporaries() throws IOException {
        try (Stream<Path> all = Files.walk(dir)) {
            return all.filter(p -> p.toString().endsWith(".tmp")).toList();
        }
    }
}
