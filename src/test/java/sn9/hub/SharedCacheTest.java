package sn9.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.subnet.RepoId;

/** Several programs on one cache, whose clocks need not agree. */
class SharedCacheTest {
    private static final int BYTES = 3_000_000;
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

    /** Whoever reads the cache meanwhile finds no file or the whole one. */
    @Test
    void processesThatDownloadAtOnceFetchOnceAndNeverShowATornFile() throws Exception {
        byte[] bytes = HubFixture.bytes(BYTES, 3);
        String commit = hub.server.commit(Map.of(FILE, new ScriptedHub.Stored(bytes, true)));
        Path blob = new HubCache(folder.resolve("cache"))
                .blob(RepoId.parse(HubFixture.REPO), new ContentId(ScriptedHub.hex("SHA-256", bytes)));
        var processes = new ArrayList<Process>();
        for (int i = 0; i < 3; i++) {
            processes.add(client(i, "get", commit));
        }
        int seen = 0;
        while (processes.stream().anyMatch(Process::isAlive)) {
            if (Files.exists(blob)) {
                assertThat(Files.readAllBytes(blob)).isEqualTo(bytes);
                seen++;
            }
            TimeUnit.MILLISECONDS.sleep(1);
        }
        for (int i = 0; i < processes.size(); i++) {
            assertThat(processes.get(i).waitFor()).as(said(i)).isZero();
            assertThat(Path.of(said(i)).resolve(FILE)).hasBinaryContent(bytes);
        }
        assertThat(seen).as("times the cache was looked at").isPositive();
        assertThat(hub.server.requests.stream()
                        .filter(request -> request.getTarget().startsWith("/objects/"))
                        .count())
                .as("ranges asked for by all together")
                .isEqualTo(Math.ceilDiv(BYTES, HubFixture.CHUNK));
    }

    @Test
    void processesThatUploadTheSameAtOnceAllEndWithIt() throws Exception {
        hub.server.chunkBytes = 100_000;
        Path model = hub.model(BYTES);
        var processes = List.of(client(0, "up", model.toString()), client(1, "up", model.toString()));
        for (int i = 0; i < processes.size(); i++) {
            assertThat(processes.get(i).waitFor()).as(said(i)).isZero();
            assertThat(hub.server.files.get(said(i)).get(FILE).bytes())
                    .isEqualTo(Files.readAllBytes(model.resolve(FILE)));
        }
    }

    /** A program whose clock is a month ahead starts in the middle of a download. */
    @Test
    void aClockThatIsAheadEndsNoDownload() throws Exception {
        byte[] bytes = HubFixture.bytes(BYTES, 3);
        String commit = hub.server.commit(Map.of(FILE, new ScriptedHub.Stored(bytes, true)));
        Path partials = folder.resolve("cache/.locks/sn9-downloads");
        var swept = new AtomicInteger();
        hub.server.spoil = (request, answer) -> {
            if (request.getTarget().startsWith("/objects/")) {
                try {
                    PartialFile.sweep(partials, Instant.now().plus(Duration.ofDays(30)));
                    swept.incrementAndGet();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
            return answer;
        };
        Path target = folder.resolve("file");
        try (var store = hub.store()) {
            store.download(HubFixture.REPO, commit, FILE, target, BYTES);
        }
        assertThat(swept).hasPositiveValue();
        assertThat(target).hasBinaryContent(bytes);
        PartialFile.sweep(partials, Instant.now().plus(Duration.ofDays(30)));
        assertThat(partials).isEmptyDirectory();
    }

    @Test
    void timesInTheFutureAreLeftAlone() throws Exception {
        Path partials = Files.createDirectories(folder.resolve("cache/.locks/sn9-downloads"));
        Path file = Files.writeString(partials.resolve("a".repeat(64) + ".partial"), "x");
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().plus(Duration.ofDays(3650))));
        hub.store().close();
        assertThat(file).exists();
    }

    private Process client(int number, String... words) throws Exception {
        return HubProcess.start(
                folder.resolve("said" + number),
                Optional.empty(),
                HubFixture.CHUNK,
                hub.server.endpoint(),
                ScriptedHub.TOKEN,
                folder.resolve("cache").toString(),
                words[0],
                HubFixture.REPO,
                words[1]);
    }

    private String said(int number) throws Exception {
        return HubProcess.lastLine(folder.resolve("said" + number));
    }
}
