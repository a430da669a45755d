package sn9.validator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.subnet.ModelId;
import sn9.subnet.RemoteModelStore;
import sn9.subnet.RemoteModelStore.RemoteFile;

/** Two miners with the same file: one transfer, one file, gone with the last of the two. */
class BlobFolderTest {
    private static final byte[] BYTES = new byte[300];
    private static final ModelId FIRST = new ModelId("ns", "first", "1".repeat(40), ModelId.NONE);
    private static final ModelId SECOND = new ModelId("ns", "second", "2".repeat(40), ModelId.NONE);

    @TempDir
    Path dir;

    private final List<String> transfers = new ArrayList<>();
    private LocalModelStore store;
    private RemoteFile file;
    private Path blob;

    @BeforeEach
    void create() throws Exception {
        store = new LocalModelStore(dir, 400, Duration.ZERO, InstantSource.system());
        var sha256 =
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(BYTES));
        file = new RemoteFile("model.safetensors", BYTES.length, Optional.of(sha256));
        blob = dir.resolve("blobs").resolve(sha256);
    }

    @Test
    void theSameContentIsFetchedAndStoredOnce() throws Exception {
        Path first = keep("hotkey1", FIRST);
        Path second = keep("hotkey2", SECOND);
        assertThat(transfers).hasSize(1);
        assertThat(Files.isSameFile(first.resolve("model.safetensors"), second.resolve("model.safetensors")))
                .isTrue();
        assertThat(store.bytes()).as("the quota of 400 took both").isEqualTo(300);
    }

    @Test
    void aContentGoesWithTheLastModelThatHoldsIt() throws Exception {
        Path first = keep("hotkey1", FIRST);
        Path second = keep("hotkey2", SECOND);
        store.cleanNow(List.of(second));
        assertThat(first).doesNotExist();
        assertThat(second.resolve("model.safetensors")).hasBinaryContent(BYTES);
        assertThat(blob).exists();
        try (var reader = Files.newInputStream(second.resolve("model.safetensors"))) {
            store.cleanNow(List.of());
            assertThat(blob).doesNotExist();
            assertThat(reader.readAllBytes()).isEqualTo(BYTES);
        }
    }

    @Test
    void aDamagedContentIsFetchedAgain() throws Exception {
        keep("hotkey1", FIRST);
        Files.write(blob, new byte[] {1});
        assertThat(keep("hotkey2", SECOND).resolve("model.safetensors")).hasBinaryContent(BYTES);
        assertThat(transfers).hasSize(2);
    }

    @Test
    void aContentTheRemoteDoesNotNameIsSharedAllTheSame() throws Exception {
        file = new RemoteFile(file.path(), file.bytes());
        keep("hotkey1", FIRST);
        keep("hotkey2", SECOND);
        assertThat(store.bytes()).isEqualTo(300);
    }

    private Path keep(String hotkey, ModelId id) throws Exception {
        if (file.sha256().isEmpty()) {
            store = new LocalModelStore(dir, 1000, Duration.ZERO, InstantSource.system());
        }
        try (var incoming = store.fetch(new OneFile(), hotkey, id, List.of(file))) {
            return incoming.keep();
        }
    }

    private final class OneFile implements RemoteModelStore {
        @Override
        public String upload(String repoId, Path directory) {
            throw new UnsupportedOperationException();
        }

        @Override
        public List<RemoteFile> files(String repoId, String commit) {
            return List.of(file);
        }

        @Override
        public void download(String repoId, String commit, String path, Path target, long maxBytes) throws IOException {
            transfers.add(repoId);
            Files.write(target, BYTES);
        }
    }
}
