package sn9.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import sn9.Secret;
import sn9.http.Http;
import sn9.http.Retry;
import sn9.subnet.RepoId;

/**
 * A client in a process of its own, which may be killed or starved: {@code HubProcess ENDPOINT TOKEN CACHE up REPO FOLDER}
 * prints the commit, {@code ... get REPO COMMIT} the folder of the shared cache. Its pauses are short.
 */
final class HubProcess {
    private HubProcess() {}

    public static void main(String[] words) throws InterruptedException {
        try (var store = store(words[0], words[1], Path.of(words[2]))) {
            if (words[3].equals("up")) {
                System.out.println(store.upload(words[4], Path.of(words[5])));
            } else {
                System.out.println(store.snapshot(RepoId.parse(words[4]), words[5], store.files(words[4], words[5])));
            }
        } catch (IOException e) {
            System.out.println(e.getMessage());
            System.exit(1);
        }
    }

    /** A client with many short pauses where a real one has a few long ones. */
    static HubModelStore store(String endpoint, String token, Path cache) {
        return store(endpoint, token, cache, 10);
    }

    /** A client that repeats a request so many times. */
    static HubModelStore store(String endpoint, String token, Path cache, int repeats) {
        var settings = new HubSettings(endpoint, Optional.of(new Secret(token)), cache, false);
        var usual = Retry.standard();
        var quick = new Retry(
                repeats, Duration.ofMillis(20), Duration.ofMillis(200), usual.patience(), usual.pause(), usual.clock());
        return new HubModelStore(
                new HubClient(new Http(Duration.ofMinutes(1), quick), settings),
                settings,
                false,
                Transfers.SILENT,
                _ -> Thread.sleep(20),
                Integer.getInteger("sn9.test.chunk", FileDownload.CHUNK_BYTES));
    }

    /**
     * Starts one.
     *
     * @param said receives what it prints
     * @param blocks most blocks of 512 or 1024 bytes that any file may grow to, as on a disk that is full; empty for any
     * @param chunkBytes what is asked for at once
     */
    static Process start(Path said, Optional<Integer> blocks, int chunkBytes, String... words) throws IOException {
        var command = java(HubProcess.class, blocks, "-XX:TieredStopAtLevel=1", "-Dsn9.test.chunk=" + chunkBytes);
        command.addAll(List.of(words));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(said.toFile())
                .start();
    }

    /** The command of a Java process whose files can grow to so many blocks. */
    static List<String> java(Class<?> main, Optional<Integer> blocks, String... options) {
        var command = new ArrayList<String>();
        // The limit's signal would end a plain process; Java ignores it, and the write fails.
        blocks.ifPresent(most -> command.addAll(List.of("sh", "-c", "ulimit -f " + most + " && exec \"$@\"", "sh")));
        command.addAll(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:-UsePerfData"));
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        return command;
    }

    /** The last line that one printed; the tests' own logging comes before it. */
    static String lastLine(Path said) throws IOException {
        var lines = Files.readAllLines(said);
        return lines.isEmpty() ? "" : lines.getLast();
    }
}
