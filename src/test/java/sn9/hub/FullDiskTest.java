package sn9.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.localnet.hub.AccessTokens;
import sn9.subnet.RepoId;

/**
 * A client whose files cannot grow, by the limit of its process: writes fail half way, as they do on a disk that is full.
 * Nothing half-written counts for anything, and with room again it goes on.
 */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the limit is set by sh")
class FullDiskTest {
    private static final int BYTES = 900_000;
    private static final String FILE = "model.safetensors";

    @TempDir
    private Path folder;

    private HubFixture hub;

    @BeforeEach
    void start() {
        hub = new HubFixture(folder);
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    @Test
    void aDownloadIsNotThereUntilThereIsRoomForIt() throws Exception {
        byte[] bytes = HubFixture.bytes(BYTES, 3);
        String commit = hub.server.commit(Map.of(FILE, new ScriptedHub.Stored(bytes, true)));
        assertThat(run(Optional.of(400), "get", HubFixture.REPO, commit)).isEqualTo(1);
        assertThat(said()).contains("cannot write ", ".partial: File too large; make room and run it again");
        Path cache = folder.resolve("cache");
        assertThat(filesIn(cache)).allMatch(file -> file.contains("/.locks/sn9-downloads/"));

        hub.server.requests.clear();
        assertThat(run(Optional.empty(), "get", HubFixture.REPO, commit)).isZero();
        assertThat(Path.of(said()).resolve(FILE)).hasBinaryContent(bytes);
        assertThat(hub.server.requests.stream()
                        .filter(request -> request.getTarget().startsWith("/objects/"))
                        .count())
                .as("ranges that were missing, of %d", BYTES / HubFixture.CHUNK + 1)
                .isLessThan(BYTES / HubFixture.CHUNK + 1);
        assertThat(filesIn(cache)).noneMatch(file -> file.endsWith(".partial") || file.endsWith(".tmp"));
    }

    /** The notes of an upload have no room; the upload has no need of them. */
    @Test
    void anUploadNeedsNoRoom() throws Exception {
        hub.server.chunkBytes = 10_000;
        Path model = hub.model(BYTES);
        assertThat(run(Optional.of(1), "up", HubFixture.REPO, model.toString())).isZero();
        assertThat(hub.server.commits).containsExactly(said());
        assertThat(hub.server.head().get(FILE).bytes()).isEqualTo(Files.readAllBytes(model.resolve(FILE)));
    }

    /** Whatever a full disk or a crash leaves of the notes, they tell the truth or nothing. */
    @Test
    void notesThatAreCutOffAnywhereAreHarmless() throws Exception {
        hub.server.chunkBytes = 100_000;
        hub.server.fault = request -> request.getTarget().endsWith("/complete")
                ? Optional.of(ScriptedHub.error(413, "", "the disk of the storage is full"))
                : Optional.empty();
        Path model = hub.model(BYTES);
        uploadInVain(model);
        Path notes = filesUnder(folder.resolve("cache")).stream()
                .filter(file -> file.toString().endsWith(".upload"))
                .findFirst()
                .orElseThrow();
        byte[] whole = Files.readAllBytes(notes);
        hub.server.fault = _ -> Optional.empty();
        for (int bytes = 0; bytes < whole.length; bytes += 1 + whole.length / 16) {
            Files.write(notes, Arrays.copyOf(whole, bytes));
            hub.server.objects.clear();
            hub.server.commits.clear();
            try (var store = hub.store()) {
                store.upload(HubFixture.REPO, model);
            }
            assertThat(hub.server.head().get(FILE).bytes())
                    .as("%d bytes of the notes", bytes)
                    .isEqualTo(Files.readAllBytes(model.resolve(FILE)));
        }
    }

    /** The server of the local network: larger files come in parts, smaller ones in one piece. */
    @ParameterizedTest
    @ValueSource(ints = {3_000_000, 20_000_000})
    void aServerWithoutRoomSaysSoAndNothingOfTheFileCounts(int bytes) throws Exception {
        Path net = folder.resolve("net");
        String token = AccessTokens.open(net, InstantSource.system())
                .issue("me", AccessTokens.Role.WRITE)
                .reveal();
        Path model = hub.model(bytes);
        try (var server = HubServerProcess.start(net, Optional.of(2048), folder.resolve("server.log"));
                var store = HubProcess.store(server.address(), token, folder.resolve("cache"), 1)) {
            assertThatThrownBy(() -> store.upload("me/m", model))
                    .isInstanceOf(HubException.class)
                    .hasMessageContaining("500");
        }
        try (var server = HubServerProcess.start(net, Optional.empty(), folder.resolve("server.log"));
                var store = HubProcess.store(server.address(), token, folder.resolve("cache"))) {
            assertThat(store.repos().head(RepoId.parse("me/m")))
                    .map(HubRepos.Info::paths)
                    .hasValueSatisfying(paths -> assertThat(paths).doesNotContain(FILE));
            String commit = store.upload("me/m", model);
            Path back = folder.resolve("back");
            store.download("me/m", commit, FILE, back, bytes);
            assertThat(Files.mismatch(back, model.resolve(FILE))).isEqualTo(-1);
        }
    }

    private void uploadInVain(Path model) throws InterruptedException {
        try (var store = hub.store()) {
            store.upload(HubFixture.REPO, model);
        } catch (IOException e) {
            return;
        }
        throw new AssertionError("expected a refusal");
    }

    private int run(Optional<Integer> blocks, String what, String repo, String rest) throws Exception {
        return HubProcess.start(
                        folder.resolve("said"),
                        blocks,
                        HubFixture.CHUNK,
                        hub.server.endpoint(),
                        ScriptedHub.TOKEN,
                        folder.resolve("cache").toString(),
                        what,
                        repo,
                        rest)
                .waitFor();
    }

    private String said() throws IOException {
        return HubProcess.lastLine(folder.resolve("said"));
    }

    private static List<String> filesIn(Path folder) throws IOException {
        return filesUnder(folder).stream().map(Path::toString).toList();
    }

    private static List<Path> filesUnder(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            return files.filter(file -> !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS))
                    .toList();
        }
    }
}
