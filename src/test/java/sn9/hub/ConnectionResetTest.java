package sn9.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Connections reset at places drawn by seed, in every part of what an upload and a download say and hear. */
class ConnectionResetTest {
    private static final int BYTES = 300_000;
    private static final int RUNS = Integer.getInteger("sn9.hub.resets", 16);

    @TempDir
    private Path folder;

    @Test
    void anUploadArrivesWholeAndOnce() throws Exception {
        var random = new Random(11);
        for (int i = 0; i < RUNS; i++) {
            try (var hub = new HubFixture(Files.createTempDirectory(folder, "up"));
                    var proxies = new Proxies(hub)) {
                hub.server.chunkBytes = i % 2 == 0 ? 100_000 : 0;
                proxies.cut(random, i, BYTES + 8_000, 3_000);
                try (var store = hub.store()) {
                    store.upload(HubFixture.REPO, hub.model(BYTES));
                }
                assertThat(hub.server.commits).as("run " + i).hasSize(1);
                assertThat(hub.server.head().get("model.safetensors").bytes())
                        .as("run " + i)
                        .isEqualTo(HubFixture.bytes(BYTES, 7));
            }
        }
    }

    @Test
    void aDownloadIsRight() throws Exception {
        var random = new Random(12);
        byte[] bytes = HubFixture.bytes(BYTES, 7);
        for (int i = 0; i < RUNS; i++) {
            try (var hub = new HubFixture(Files.createTempDirectory(folder, "down"));
                    var proxies = new Proxies(hub)) {
                String commit = hub.server.commit(Map.of("model.safetensors", new ScriptedHub.Stored(bytes, true)));
                proxies.cut(random, i, 2_000, BYTES + 8_000);
                Path target = hub.folder.resolve("file");
                try (var store = hub.store()) {
                    assertThat(store.files(HubFixture.REPO, commit)).hasSize(1);
                    store.download(HubFixture.REPO, commit, "model.safetensors", target, BYTES);
                }
                assertThat(target).as("run " + i).hasBinaryContent(bytes);
            }
        }
    }

    /** One before the Hub, one before its storage. */
    private static final class Proxies implements AutoCloseable {
        private final CuttingProxy hub;
        private final CuttingProxy storage;

        private Proxies(HubFixture fixture) {
            hub = new CuttingProxy(fixture.server.hub.getPort());
            storage = new CuttingProxy(fixture.server.storage.getPort());
            fixture.server.hubAddress = hub.address();
            fixture.server.storageAddress = storage.address();
        }

        /** One reset of what is sent and one of what is received, at the Hub or at its storage. */
        private void cut(Random random, int run, int sent, int received) {
            CuttingProxy proxy = run % 4 < 2 ? storage : hub;
            boolean bulk = proxy == storage;
            proxy.sendable.set(random.nextInt(bulk ? sent : 4_000));
            proxy.receivable.set(random.nextInt(bulk ? received : 2_500));
        }

        @Override
        public void close() throws IOException {
            hub.close();
            storage.close();
        }
    }
}
