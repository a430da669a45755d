package sn9.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import sn9.Secret;
import sn9.http.Http;
import sn9.http.Retry;

/** A client of a {@link ScriptedHub}, whose pauses pass at once. */
final class HubFixture implements AutoCloseable {
    static final String REPO = "me/m";
    static final int CHUNK = 64 << 10;

    final ScriptedHub server = new ScriptedHub();
    final CopyOnWriteArrayList<Duration> pauses = new CopyOnWriteArrayList<>();
    final Path folder;
    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.EPOCH);

    HubFixture(Path folder) {
        this.folder = folder;
    }

    HubModelStore store() {
        return store(false, false);
    }

    HubModelStore store(boolean privately, boolean offline) {
        var settings = new HubSettings(
                server.endpoint(), Optional.of(new Secret(ScriptedHub.TOKEN)), folder.resolve("cache"), offline);
        var retry = new Retry(
                3, Duration.ofSeconds(1), Duration.ofSeconds(8), Duration.ofMinutes(6), this::pause, now::get);
        var http = new Http(Duration.ofSeconds(20), retry);
        return new HubModelStore(
                new HubClient(http, settings), settings, privately, Transfers.SILENT, this::pause, CHUNK);
    }

    private void pause(Duration duration) {
        pauses.add(duration);
        now.updateAndGet(instant -> instant.plus(duration));
    }

    /** A directory with a configuration and parameters of so many bytes. */
    Path model(int bytes) throws IOException {
        Path model = Files.createDirectories(folder.resolve("model"));
        Files.writeString(model.resolve("config.json"), "{\"a\":1}");
        Files.write(model.resolve("model.safetensors"), bytes(bytes, 7));
        return model;
    }

    static byte[] bytes(int count, long seed) {
        byte[] bytes = new byte[count];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @Override
    public void close() {
        server.close();
    }
}
