package sn9.validator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.RemoteCallException;
import sn9.localnet.hub.LocalHub;
import sn9.subnet.ModelId;
import sn9.subnet.RemoteModelStore;
import sn9.subnet.RemoteModelStore.RemoteFile;

class LocalModelStoreTest {
    private static final String HOTKEY = "5Hotkey";
    private static final Duration GRACE = Duration.ofMinutes(5);

    @TempDir
    Path dir;

    final AtomicReference<Instant> now = new AtomicReference<>(Instant.now());
    LocalHub hub;
    LocalModelStore store;
    ModelId id;

    @BeforeEach
    void publish() throws Exception {
        hub = LocalHub.open(dir.resolve("hub"));
        store = store(1000);
        id = publish("name", 300);
    }

    @Test
    void aModelAppearsOnlyWhenItIsKept() throws Exception {
        try (var incoming = fetch(id, 300)) {
            assertThat(incoming.path().resolve("sub/model.safetensors")).hasSize(300);
            assertThat(store.holds(HOTKEY, id)).isFalse();
            incoming.keep();
        }
        assertThat(store.holds(HOTKEY, id)).isTrue();
        assertThat(store.directory(HOTKEY, id))
                .isEqualTo(dir.resolve("store/models/5Hotkey/ns--name").resolve(id.commit()))
                .isDirectoryRecursivelyContaining("glob:**/model.safetensors");
        assertThat(dir.resolve("store/incoming")).isEmptyDirectory();
    }

    @Test
    void aModelThatIsNotKeptLeavesNothing() throws Exception {
        fetch(id, 300).close();
        assertThat(store.holds(HOTKEY, id)).isFalse();
        assertThat(dir.resolve("store/incoming")).isEmptyDirectory();
        assertThat(store.bytes()).isZero();
    }

    @Test
    void aFileLongerThanTheRemoteSaidLeavesNothing() {
        assertThatThrownBy(() -> fetch(id, 299)).isInstanceOf(IOException.class);
        assertThat(dir.resolve("store/incoming")).isEmptyDirectory();
    }

    @Test
    void whatTheRemoteLacksIsItsFailure() {
        var missing = new ModelId("ns", "other", "1".repeat(40), ModelId.NONE);
        assertThatThrownBy(() -> fetch(missing, 300)).isInstanceOf(RemoteCallException.class);
        assertThat(dir.resolve("store/incoming")).isEmptyDirectory();
    }

    @Test
    void theQuotaCountsWhatIsThereAndWhatIsOnItsWay() throws Exception {
        try (var first = fetch(id, 300)) {
            first.keep();
        }
        var second = publish("second", 400);
        var third = publish("third", 301);
        try (var incoming = fetch(second, 400)) {
            assertThatThrownBy(() -> fetch(third, 301))
                    .isInstanceOf(LocalModelStore.QuotaException.class)
                    .hasMessageContaining("--disk_quota_gb");
            assertThat(incoming.path()).exists();
        }
        try (var incoming = fetch(third, 301)) {
            incoming.keep();
        }
        assertThat(store.bytes()).isEqualTo(601);
    }

    @Test
    void namesThatLeadElsewhereAreRefused() {
        for (String name : List.of("..", "a/../../b", "/etc/passwd", "", "a//b", "a\0b")) {
            assertThatThrownBy(() -> store.fetch(hub, HOTKEY, id, List.of(new RemoteFile(name, 1))))
                    .as(name)
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> store.directory("../..", id)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void cleansWhatNobodyNeedsAfterTheGracePeriod() throws Exception {
        Path kept = keep("kept");
        Path used = keep("used");
        Path doomed = keep("doomed");
        try (var use = store.use(List.of(used))) {
            assertThat(use).isNotNull();
            assertThat(store.clean(List.of(kept))).as("within the grace period").isZero();
            now.updateAndGet(t -> t.plus(GRACE).plusSeconds(60));
            assertThat(store.clean(List.of(kept))).isEqualTo(1);
        }
        assertThat(kept).exists();
        assertThat(used).exists();
        assertThat(doomed.getParent()).doesNotExist();
        assertThat(store.clean(List.of(kept))).as("no longer used").isEqualTo(1);
        assertThat(used).doesNotExist();
    }

    @Test
    void makesRoomAtOnceWhenAsked() throws Exception {
        Path doomed = keep("doomed");
        assertThat(store.cleanNow(List.of())).isEqualTo(1);
        assertThat(doomed).doesNotExist();
    }

    @Test
    void sweepsWhatAKilledProcessLeft() throws Exception {
        Path abandoned = Files.createDirectories(dir.resolve("store/incoming/abandoned"));
        Path file = Files.writeString(abandoned.resolve("model.safetensors"), "half");
        Path fresh = Files.createDirectories(dir.resolve("store/incoming/fresh"));
        var longAgo = FileTime.from(now.get().minus(Duration.ofHours(3)));
        Files.setLastModifiedTime(file, longAgo);
        Files.setLastModifiedTime(abandoned, longAgo);
        store.clean(List.of());
        assertThat(abandoned).doesNotExist();
        assertThat(fresh).exists();
    }

    /** A hub that does something before each file. */
    private RemoteModelStore before(Callable<?> event) {
        return new RemoteModelStore() {
            @Override
            public String upload(String repoId, Path directory) {
                throw new UnsupportedOperationException();
            }

            @Override
            public List<RemoteFile> files(String repoId, String commit) throws IOException, InterruptedException {
                return hub.files(repoId, commit);
            }

            @Override
            public void download(String repoId, String commit, String path, Path target, long maxBytes)
                    throws IOException, InterruptedException {
                try {
                    event.call();
                } catch (IOException e) {
                    Files.write(target, new byte[100]);
                    throw e;
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
                hub.download(repoId, commit, path, target, maxBytes);
            }
        };
    }

    @Test
    void aDiskThatFillsInTheMiddleLeavesNothing() {
        var remote = before(() -> {
            throw new IOException("No space left on device");
        });
        assertThatThrownBy(() -> store.fetch(remote, HOTKEY, id, List.of(new RemoteFile("sub/model.safetensors", 300))))
                .hasMessageContaining("No space left");
        assertThat(store.holds(HOTKEY, id)).isFalse();
        assertThat(dir.resolve("store/incoming")).isEmptyDirectory();
        assertThatCode(() -> fetch(id, 300).close())
                .as("its room is free again")
                .doesNotThrowAnyException();
    }

    @Test
    void aModelThatCannotBeSharedIsNotKept() throws Exception {
        Files.createDirectories(dir.resolve("store"));
        Files.writeString(dir.resolve("store/blobs"), "a file where a folder should be");
        try (var incoming = fetch(id, 300)) {
            assertThatThrownBy(incoming::keep).isInstanceOf(IOException.class);
        }
        assertThat(store.holds(HOTKEY, id)).isFalse();
        assertThat(dir.resolve("store/incoming")).isEmptyDirectory();
    }

    /** The clock is set a day ahead while the second file is on its way. */
    @Test
    void aFetchUnderWayOutlivesAClockThatJumps() throws Exception {
        Path source = dir.resolve("source-two");
        Files.createDirectories(source);
        Files.write(source.resolve("a"), new byte[10]);
        Files.write(source.resolve("b"), new byte[20]);
        var two = new ModelId("ns", "two", hub.upload("ns/two", source), ModelId.NONE);
        var remote = before(() -> {
            now.updateAndGet(t -> t.plus(Duration.ofDays(1)));
            return store.clean(List.of());
        });
        try (var incoming =
                store.fetch(remote, HOTKEY, two, List.of(new RemoteFile("a", 10), new RemoteFile("b", 20)))) {
            assertThat(incoming.path().resolve("a")).hasSize(10);
            assertThat(incoming.path().resolve("b")).hasSize(20);
        }
    }

    @Test
    void cleaningFollowsNoLinks() throws Exception {
        Path precious = Files.createDirectories(dir.resolve("precious/repository/commit"));
        Files.createDirectories(dir.resolve("store/models"));
        Files.createSymbolicLink(dir.resolve("store/models/5Link"), dir.resolve("precious"));
        Files.createDirectories(dir.resolve("store/incoming"));
        Files.createSymbolicLink(dir.resolve("store/incoming/link"), dir.resolve("precious"));
        now.updateAndGet(t -> t.plus(Duration.ofDays(1)));
        store.clean(List.of());
        store.cleanNow(List.of());
        assertThat(precious).exists();
    }

    @Test
    void aLinkInPlaceOfAContentIsNotTaken() throws Exception {
        keep("first");
        Path blob = children(dir.resolve("store/blobs")).getFirst();
        Path elsewhere = Files.copy(blob, dir.resolve("elsewhere"));
        Files.delete(blob);
        Files.createSymbolicLink(blob, elsewhere);
        var second = publish("second", 10);
        var file = hub.files("ns/second", second.commit()).getFirst();
        try (var incoming = store.fetch(hub, HOTKEY, second, List.of(file))) {
            assertThat(Files.isSymbolicLink(incoming.path().resolve(file.path())))
                    .isFalse();
        }
    }

    private static List<Path> children(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.toList();
        }
    }

    private LocalModelStore store(long quota) {
        return new LocalModelStore(dir.resolve("store"), quota, GRACE, now::get);
    }

    private Path keep(String name) throws Exception {
        var model = publish(name, 10);
        try (var incoming = fetch(model, 10)) {
            return incoming.keep();
        }
    }

    private LocalModelStore.Incoming fetch(ModelId model, long bytes) throws IOException, InterruptedException {
        return store.fetch(hub, HOTKEY, model, List.of(new RemoteFile("sub/model.safetensors", bytes)));
    }

    private ModelId publish(String name, int bytes) throws Exception {
        Path source = dir.resolve("source-" + name);
        Files.createDirectories(source.resolve("sub"));
        Files.write(source.resolve("sub/model.safetensors"), new byte[bytes]);
        return new ModelId("ns", name, hub.upload("ns/" + name, source), ModelId.NONE);
    }
}
