package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalnetServeTest {
    @TempDir
    private Path dir;

    @Test
    void servesUntilItIsAskedToStop() throws Exception {
        assertThat(run("localnet", "create").exitCode()).isZero();
        var token = run("localnet", "token", "--owner", "alice", "--role", "read");
        assertThat(token.exitCode()).as(token.err()).isZero();
        var process =
                serve("--localnet_dir", dir.toString(), "--hub_port", "0", "--chain_port", "0", "--chain_instant");
        try (var out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
                var client = HttpClient.newHttpClient()) {
            // The tests' own logging goes to standard output, too.
            String answer =
                    out.lines().filter(line -> line.startsWith("{")).findFirst().orElseThrow();
            var addresses = new ObjectMapper().readTree(answer);
            var hub = URI.create(addresses.get("hub").asText());
            var request = HttpRequest.newBuilder(hub.resolve("/api/whoami-v2"))
                    .header("Authorization", "Bearer " + token.out().strip())
                    .build();
            var me = client.send(request, HttpResponse.BodyHandlers.ofString()).body();
            assertThat(new ObjectMapper().readTree(me).get("name").asText()).isEqualTo("alice");

            var chain = URI.create(addresses.get("chain").asText().replaceFirst("^ws", "http") + "/");
            var question = HttpRequest.BodyPublishers.ofString("{\"id\":1,\"method\":\"system_properties\"}");
            var properties = client.send(
                    HttpRequest.newBuilder(chain).POST(question).build(), HttpResponse.BodyHandlers.ofString());
            assertThat(properties.body()).contains("\"tokenSymbol\":\"TAO\"");

            process.destroy();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(143);
        } finally {
            process.destroyForcibly();
        }
    }

    /** A miner's pages without a network: the server is found by its flags alone. */
    @Test
    void servesACorpusAsADataset() throws Exception {
        Path corpus = Files.createDirectories(dir.resolve("corpus"));
        for (int i = 0; i < 400; i++) {
            Files.writeString(corpus.resolve("%03d.txt".formatted(i)), "Document " + i + " says this and that.");
        }
        var process = serve("--dataset_port", "0", "--dataset_corpus", corpus.toString());
        try (var out = process.inputReader()) {
            String answer =
                    out.lines().filter(line -> line.startsWith("{")).findFirst().orElseThrow();
            String address = new ObjectMapper().readTree(answer).get("dataset").asText();
            var pages = CommandLineRun.of(
                    "dataset",
                    "pages",
                    "--dataset",
                    "local/corpus",
                    "--dataset_endpoint",
                    address,
                    "--page_cache_gb",
                    "0",
                    "--pages",
                    "2",
                    "--text",
                    "--json");
            assertThat(pages.exitCode()).as(pages.err()).isZero();
            assertThat(new ObjectMapper()
                            .readTree(pages.out())
                            .path("pages")
                            .get(0)
                            .path("rows")
                            .asInt())
                    .isEqualTo(100);
        } finally {
            process.destroyForcibly();
        }
    }

    private static Process serve(String... flags) throws IOException {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                "sn9.cli.Main",
                "localnet",
                "--json"));
        command.addAll(List.of(flags));
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    @Test
    void whatItCannotServeIsWrongUsageOrNamed() {
        assertThat(run("localnet").err()).contains("a command is missing");
        assertThat(CommandLineRun.of("localnet", "--hub_port", "0").err()).contains("--localnet_dir");
        assertThat(run("localnet", "token", "--owner", "a/b").err()).contains("no local network");
        assertThat(run("localnet", "--hub_port", "65536").exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run("localnet", "--chain_port", "-1").exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(CommandLineRun.of("localnet", "--chain_port", "0").err()).contains("--chain_port needs");
        assertThat(run("localnet", "--chain_port", "0", "--chain_finality_lag", "-1")
                        .err())
                .contains("finality lag");
        assertThat(CommandLineRun.of("localnet", "--dataset_port", "0").err()).contains("--dataset_corpus");
        assertThat(run("localnet", "--dataset_corpus", "x", "--hub_port", "0").err())
                .contains("--dataset_port");
        var empty = CommandLineRun.of("localnet", "--dataset_port", "0", "--dataset_corpus", dir.toString());
        assertThat(empty.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(empty.err()).contains("no text in " + dir);
        var nowhere = run("localnet", "--hub_port", "0");
        assertThat(nowhere.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(nowhere.err()).contains("no local network at " + dir);
    }

    private CommandLineRun run(String... words) {
        var all = new String[words.length + 2];
        System.arraycopy(words, 0, all, 0, words.length);
        all[words.length] = "--localnet_dir";
        all[words.length + 1] = dir.toString();
        return CommandLineRun.of(all);
    }
}
