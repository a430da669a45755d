package sn9.validator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.RemoteCallException;
import sn9.localnet.hub.LocalHub;
import sn9.subnet.ModelId;
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
