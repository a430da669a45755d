package sn9.localnet.hub;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.Secret;
import sn9.localnet.hub.AccessTokens.Role;

/** Tokens, repositories, commits, listings and downloads of the served Hub; uploads of large files have their own test. */
class HubServerTest {
    private static final String REPO = "alice/gpt2";

    @TempDir
    private Path dir;

    private HubFixture hub;
    private Secret alice;
    private Secret bob;

    @BeforeEach
    void serve() throws Exception {
        hub = new HubFixture(dir);
        alice = hub.token("alice", Role.WRITE);
        bob = hub.token("bob", Role.WRITE);
        assertThat(hub.create(REPO, false, alice).status()).isEqualTo(200);
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    @Test
    void aTokenTellsWhoseItIs() throws Exception {
        var me = hub.get("/api/whoami-v2", hub.token("alice", Role.READ)).json();
        assertThat(me.path("name").asText()).isEqualTo("alice");
        assertThat(me.path("auth").path("accessToken").path("role").asText()).isEqualTo("read");
        assertThat(hub.get("/api/whoami-v2", null).error()).isEqualTo("401  Invalid username or password.");
        var stranger = hub.get("/api/models/" + REPO, new Secret("hf_nobody"));
        assertThat(stranger.error()).isEqualTo("401  Invalid credentials in Authorization header");
        assertThat(stranger.header("X-Error-Message")).isEqualTo("Invalid credentials in Authorization header");
        try (Stream<Path> files = Files.walk(dir)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                assertThat(Files.readString(file, StandardCharsets.ISO_8859_1)).doesNotContain(alice.reveal());
            }
        }
    }

    @Test
    void onlyTheOwnerCreatesChangesAndDeletes() throws Exception {
        assertThat(hub.create("alice/other", false, bob).error())
                .isEqualTo("403  You don't have the rights to create a model under the namespace \"alice\"");
        assertThat(hub.create("alice/other", false, hub.token("alice", Role.READ))
                        .status())
                .isEqualTo(403);
        assertThat(hub.create("alice/other", false, null).status()).isEqualTo(401);
        assertThat(hub.create("alice/a--b", false, alice).status()).isEqualTo(400);
        var again = hub.create(REPO, false, alice);
        assertThat(again.status()).isEqualTo(409);
        assertThat(again.json().path("url").asText()).endsWith("/" + REPO);

        assertThat(hub.commit(REPO, bob, HubFixture.file("a.txt", "a")).error())
                .isEqualTo("403  Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request.");
        assertThat(hub.commit(REPO, null, HubFixture.file("a.txt", "a")).status())
                .isEqualTo(401);
        assertThat(delete(bob).status()).isEqualTo(403);
        assertThat(delete(alice).status()).isEqualTo(200);
        assertThat(hub.get("/api/models/" + REPO, alice).error()).isEqualTo("404 RepoNotFound Repository not found");
        assertThat(delete(alice).status()).isEqualTo(404);
        assertThat(hub.create(REPO, false, alice).status()).isEqualTo(200);
    }

    private HubFixture.Answer delete(Secret token) throws Exception {
        return hub.send(hub.request("/api/repos/delete", token)
                .method(
                        "DELETE",
                        BodyPublishers.ofString("{\"name\":\"gpt2\",\"organization\":\"alice\",\"type\":\"model\"}")));
    }

    @Test
    void aPrivateRepositoryIsNotThereForOthers() throws Exception {
        hub.commit(REPO, alice, HubFixture.file("a.txt", "a"));
        var settings = "/api/models/" + REPO + "/settings";
        var paths = List.of(
                "/api/models/" + REPO,
                "/api/models/" + REPO + "/tree/main",
                "/" + REPO + "/resolve/main/a.txt",
                "/" + REPO + "/raw/main/a.txt");
        assertThat(hub.put(settings, alice, "{\"visibility\":\"private\"}".getBytes(StandardCharsets.UTF_8))
                        .json()
                        .path("private")
                        .asBoolean())
                .isTrue();
        for (String path : paths) {
            assertThat(hub.get(path, alice).status()).as(path).isEqualTo(200);
            assertThat(hub.get(path, hub.token("alice", Role.READ)).status())
                    .as(path)
                    .isEqualTo(200);
            assertThat(hub.get(path, bob).error()).as(path).isEqualTo("404 RepoNotFound Repository not found");
            assertThat(hub.get(path, null).error())
                    .as(path)
                    .isEqualTo("401 RepoNotFound Invalid username or password.");
        }
        assertThat(hub.get("/api/models/alice/never", null).error())
                .as("no difference between private and absent")
                .isEqualTo("401 RepoNotFound Invalid username or password.");
        hub.restart();
        assertThat(hub.get(paths.getFirst(), bob).status()).isEqualTo(404);
        hub.put(settings, alice, "{\"private\":false}".getBytes(StandardCharsets.UTF_8));
        assertThat(hub.get(paths.getFirst(), null).status()).isEqualTo(200);
    }

    @Test
    void whatIsCommittedIsListedAndComesBack() throws Exception {
        String first = hub.get("/api/models/" + REPO, null).json().path("sha").asText();
        var answer =
                hub.commit(REPO, alice, HubFixture.file("config.json", "{}\n"), HubFixture.file("sub/deep/x.txt", "x"));
        String commit = answer.json().path("commitOid").asText();
        assertThat(answer.json().path("success").asBoolean()).isTrue();
        assertThat(commit).matches("[0-9a-f]{40}").isNotEqualTo(first);

        var info = hub.get("/api/models/" + REPO + "/revision/main?blobs=True", null)
                .json();
        assertThat(info.path("sha").asText()).isEqualTo(commit);
        assertThat(info.path("siblings"))
                .extracting(file -> file.path("rfilename").asText())
                .containsExactly(".gitattributes", "config.json", "sub/deep/x.txt");
        assertThat(info.path("siblings").get(1).path("size").asLong()).isEqualTo(3);
        // git hash-object of "{}\n".
        String blobId = "0967ef424bce6791893e9a57bb952f80fd536e93";
        assertThat(info.path("siblings").get(1).path("blobId").asText()).isEqualTo(blobId);
        assertThat(hub.get("/api/models/" + REPO + "/revision/" + first, null)
                        .json()
                        .path("siblings"))
                .hasSize(1);
        assertThat(hub.get("/api/models/" + REPO + "?expand[]=likes", null)
                        .json()
                        .has("siblings"))
                .isFalse();

        for (String revision : List.of("main", commit, "HEAD")) {
            var file = hub.get("/" + REPO + "/resolve/" + revision + "/config.json", null);
            assertThat(file.text()).isEqualTo("{}\n");
            assertThat(file.header("ETag")).isEqualTo("\"" + blobId + "\"");
            assertThat(file.header("X-Repo-Commit")).isEqualTo(commit);
            assertThat(file.header("X-Request-Id")).isNotEmpty();
        }
        var head = hub.head("/" + REPO + "/resolve/main/sub/deep/x.txt", null);
        assertThat(head.header("Content-Length")).isEqualTo("1");
        assertThat(head.text()).isEmpty();

        assertThat(LocalHub.open(dir).head(REPO))
                .as("the same folder in process")
                .contains(commit);
        String local = LocalHub.open(dir).upload(REPO, model());
        assertThat(hub.get("/" + REPO + "/resolve/" + local + "/f.txt", null).text())
                .isEqualTo("in process");
        assertThat(hub.get("/api/models/" + REPO + "/commits/main", null).json())
                .extracting(c -> c.path("title").asText())
                .containsExactly("Upload", "a commit", "initial commit");
    }

    private Path model() throws IOException {
        Path model = Files.createDirectories(dir.resolve("model"));
        Files.writeString(model.resolve("f.txt"), "in process");
        return model;
    }

    @Test
    void whatIsMissingIsNamed() throws Exception {
        assertThat(hub.get("/" + REPO + "/resolve/main/no.txt", null).error())
                .isEqualTo("404 EntryNotFound Entry not found");
        for (String revision : List.of("v1", "refs%2Fpr%2F1", "0".repeat(40), "..%2F..%2Fx")) {
            assertThat(hub.get("/api/models/" + REPO + "/revision/" + revision, null)
                            .error())
                    .startsWith("404 RevisionNotFound Invalid rev id: ");
        }
        assertThat(hub.get("/api/models/" + REPO + "/tree/main/no", null).error())
                .isEqualTo("404 EntryNotFound Entry not found");
        assertThat(hub.get("/api/datasets/" + REPO, null).status()).isEqualTo(404);
    }

    @Test
    void treesComeInPages() throws Exception {
        hub.commit(
                REPO,
                alice,
                Stream.of("a/b/1.txt", "a/b/2.txt", "a/c.txt", "d.txt", "e.txt", "f.txt")
                        .map(path -> HubFixture.file(path, path))
                        .toArray(String[]::new));
        assertThat(walk("/api/models/" + REPO + "/tree/main?recursive=true&expand=true", 4))
                .containsExactly(
                        "file .gitattributes",
                        "directory a",
                        "directory a/b",
                        "file a/b/1.txt",
                        "file a/b/2.txt",
                        "file a/c.txt",
                        "file d.txt",
                        "file e.txt",
                        "file f.txt");
        assertThat(walk("/api/models/" + REPO + "/tree/main", 2))
                .containsExactly("file .gitattributes", "directory a", "file d.txt", "file e.txt", "file f.txt");
        assertThat(walk("/api/models/" + REPO + "/tree/main/a", 1)).containsExactly("directory a/b", "file a/c.txt");
        var asked = hub.post(
                "/api/models/" + REPO + "/paths-info/main",
                null,
                "{\"paths\":[\"a/b\",\"d.txt\",\"none\"],\"expand\":true}");
        assertThat(asked.json()).extracting(e -> e.path("path").asText()).containsExactly("a/b", "d.txt");
        assertThat(asked.json().get(1).path("lastCommit").path("title").asText())
                .isEqualTo("a commit");
    }

    /** All entries of a listing, and the pages they came in. */
    private List<String> walk(String first, int pages) throws Exception {
        List<String> entries = new ArrayList<>();
        String next = first;
        int seen = 0;
        while (!next.isEmpty()) {
            var page = hub.get(next, null);
            for (JsonNode entry : page.json()) {
                entries.add(
                        entry.path("type").asText() + " " + entry.path("path").asText());
            }
            next = page.header("Link").replaceAll("<(.*)>; rel=\"next\"", "$1");
            seen++;
        }
        assertThat(seen).isBetween(pages - 1, pages);
        return entries;
    }

    @Test
    void aCommitOnAnOldParentIsRefused() throws Exception {
        String parent = hub.get("/api/models/" + REPO, null).json().path("sha").asText();
        String body = "{\"key\":\"header\",\"value\":{\"summary\":\"s\",\"parentCommit\":\"" + parent + "\"}}\n";
        var address = "/api/models/" + REPO + "/commit/main";
        assertThat(hub.post(address, alice, body + HubFixture.file("a", "1")).status())
                .isEqualTo(200);
        var late = hub.post(address, alice, body + HubFixture.file("a", "2"));
        assertThat(late.status()).isEqualTo(412);
        assertThat(hub.get("/" + REPO + "/resolve/main/a", null).text()).isEqualTo("1");
        assertThat(hub.post(address + "?create_pr=1", alice, body).status()).isEqualTo(400);
        assertThat(hub.post("/api/models/" + REPO + "/commit/dev", alice, body).error())
                .contains("RevisionNotFound");
    }

    @Test
    void filesAndFoldersAreDeleted() throws Exception {
        hub.commit(REPO, alice, HubFixture.file("a", "1"), HubFixture.file("d/x", "1"), HubFixture.file("d/y/z", "1"));
        assertThat(hub.commit(REPO, alice, "{\"key\":\"deletedFile\",\"value\":{\"path\":\"none\"}}")
                        .error())
                .isEqualTo("404 EntryNotFound Entry not found");
        hub.commit(
                REPO,
                alice,
                "{\"key\":\"deletedFile\",\"value\":{\"path\":\"a\"}}",
                "{\"key\":\"deletedFolder\",\"value\":{\"path\":\"d/\"}}");
        assertThat(walk("/api/models/" + REPO + "/tree/main?recursive=true", 1)).containsExactly("file .gitattributes");
        String head = hub.get("/api/models/" + REPO, null).json().path("sha").asText();
        assertThat(hub.commit(REPO, alice).json().path("commitOid").asText())
                .as("a commit that changes nothing")
                .isEqualTo(head);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"key\":\"file\",\"value\":{\"content\":\"YQ==\",\"path\":\"../a\",\"encoding\":\"base64\"}}",
                "{\"key\":\"file\",\"value\":{\"content\":\"YQ==\",\"path\":\"/a\",\"encoding\":\"base64\"}}",
                "{\"key\":\"file\",\"value\":{\"content\":\"YQ==\",\"path\":\".git/config\",\"encoding\":\"base64\"}}",
                "{\"key\":\"file\",\"value\":{\"content\":\"?\",\"path\":\"a\",\"encoding\":\"base64\"}}",
                "{\"key\":\"file\",\"value\":{\"content\":\"a\",\"path\":\"a\",\"encoding\":\"rot13\"}}",
                "{\"key\":\"file\",\"value\":{\"content\":\"YQ==\",\"path\":\".gitattributes/a\",\"encoding\":\"base64\"}}",
                "{\"key\":\"lfsFile\",\"value\":{\"path\":\"a\",\"algo\":\"sha256\",\"oid\":\"../../x\",\"size\":1}}",
                "{\"key\":\"lfsFile\",\"value\":{\"path\":\"a\",\"algo\":\"sha256\",\"oid\":\"ca978112ca1bbdcafac231b39a23"
                        + "dc4da786eff8147c4e72b9807785afee48bb\",\"size\":1}}",
                "{\"key\":\"header\",\"value\":{\"summary\":\"twice\"}}",
                "{\"key\":\"copyFile\",\"value\":{}}",
                "{\"key\":\"file\"}",
                "[]",
                "{\"key\":"
            })
    void aCommitThatBreaksTheFormIsRefusedWhole(String line) throws Exception {
        String head = hub.get("/api/models/" + REPO, null).json().path("sha").asText();
        assertThat(hub.commit(REPO, alice, HubFixture.file("good", "1"), line).status())
                .isEqualTo(400);
        assertThat(hub.get("/api/models/" + REPO, null).json().path("sha").asText())
                .isEqualTo(head);
    }

    @Test
    void aRegularFileMayHaveTenMebibytes() throws Exception {
        String most = "x".repeat(10 << 20);
        assertThat(hub.commit(REPO, alice, HubFixture.file("most.txt", most)).status())
                .isEqualTo(200);
        assertThat(hub.get("/" + REPO + "/resolve/main/most.txt", null).text()).isEqualTo(most);
        assertThat(hub.commit(REPO, alice, HubFixture.file("more.txt", most + "x"))
                        .status())
                .isEqualTo(400);
        assertThat(hub.commit(REPO, alice, HubFixture.file("more.txt", most + most))
                        .status())
                .isEqualTo(400);
    }

    @Test
    void preuploadTellsHowAndWhatIsThere() throws Exception {
        hub.commit(REPO, alice, HubFixture.file("config.json", "{}\n"));
        var files = hub.post(
                        "/api/models/" + REPO + "/preupload/main",
                        alice,
                        "{\"files\":[{\"path\":\"config.json\",\"size\":3,\"sample\":\"e30K\"},"
                                + "{\"path\":\"model.safetensors\",\"size\":9},{\"path\":\"model.safetensors\",\"size\":0},"
                                + "{\"path\":\"big.txt\",\"size\":10485761}]}")
                .json()
                .path("files");
        assertThat(files)
                .extracting(file -> file.path("uploadMode").asText())
                .containsExactly("regular", "lfs", "regular", "lfs");
        assertThat(files.get(0).path("oid").asText()).isEqualTo("0967ef424bce6791893e9a57bb952f80fd536e93");
        assertThat(files.get(1).path("oid").isNull()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "bytes=0-0,206,0,bytes 0-0/10",
        "bytes=3-,206,3456789,bytes 3-9/10",
        "bytes=-2,206,89,bytes 8-9/10",
        "bytes=-20,206,0123456789,bytes 0-9/10",
        "bytes=8-99,206,89,bytes 8-9/10",
        "bytes=10-,416,,bytes */10",
        "bytes=-0,416,,bytes */10",
        "bytes=5-3,200,0123456789,",
        "'bytes=0-1,4-5',200,0123456789,",
        "chars=0-1,200,0123456789,",
        "bytes=99999999999999999999-,200,0123456789,"
    })
    void rangesOfSmallAndLargeFiles(String range, int status, String content, String contentRange) throws Exception {
        byte[] digits = "0123456789".getBytes(StandardCharsets.UTF_8);
        var upload = hub.batch(REPO, alice, digits).path("actions").path("upload");
        hub.put(upload.path("href").asText(), null, digits);
        hub.commit(REPO, alice, HubFixture.file("a.txt", "0123456789"), HubFixture.largeFile("a.bin", digits));
        String large = hub.get("/" + REPO + "/resolve/main/a.bin", null).header("Location");
        for (String where : List.of("/" + REPO + "/resolve/main/a.txt", large)) {
            var answer = hub.send(hub.request(where, null).header("Range", range));
            assertThat(answer.status()).isEqualTo(status);
            assertThat(answer.header("Content-Range")).isEqualTo(contentRange == null ? "" : contentRange);
            if (content != null) {
                assertThat(answer.text()).isEqualTo(content);
            }
            var changed =
                    hub.send(hub.request(where, null).header("Range", range).header("If-Range", "\"other\""));
            assertThat(changed.text()).isEqualTo("0123456789");
        }
    }

    @Test
    void commitsOfManyAtOnceAtTwoServersAllLand() throws Exception {
        try (var other = hub.start();
                var threads = Executors.newFixedThreadPool(8)) {
            List<Callable<Integer>> commits = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                String line = HubFixture.file(i + ".txt", "" + i);
                URI server = i % 2 == 0 ? other.address() : URI.create("");
                commits.add(() -> hub.post(
                                server + "/api/models/" + REPO + "/commit/main",
                                alice,
                                "{\"key\":\"header\",\"value\":{\"summary\":\"s\"}}\n" + line)
                        .status());
            }
            for (var commit : threads.invokeAll(commits)) {
                assertThat(commit.get()).isEqualTo(200);
            }
        }
        assertThat(hub.get("/api/models/" + REPO, null).json().path("siblings")).hasSize(9);
        assertThat(hub.get("/api/models/" + REPO + "/commits/main", null).header("X-Total-Count"))
                .isEqualTo("9");
    }

    @RepeatedTest(20)
    void whatIsDeletedAmidCommitsIsGoneOrWhole() throws Exception {
        List<Callable<Integer>> calls = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            String line = HubFixture.file(i + ".txt", "" + i);
            calls.add(
                    switch (i % 5) {
                        case 0 -> () -> delete(alice).status();
                        case 1 -> () -> hub.create(REPO, false, alice).status();
                        default -> () -> hub.commit(REPO, alice, line).status();
                    });
        }
        try (var threads = Executors.newFixedThreadPool(4)) {
            for (var call : threads.invokeAll(calls)) {
                assertThat(call.get()).isIn(200, 404, 409);
            }
        }
        assertThat(hub.create(REPO, false, alice).status()).isIn(200, 409);
        var left = hub.get("/api/models/" + REPO, null);
        assertThat(left.status()).isEqualTo(200);
        for (JsonNode file : left.json().path("siblings")) {
            String path = file.path("rfilename").asText();
            assertThat(hub.get("/" + REPO + "/resolve/main/" + path, null).status())
                    .as(path)
                    .isEqualTo(200);
        }
    }

    @Test
    void answersToItsOwnNamesOnly() throws Exception {
        URI address = URI.create(
                hub.create("alice/named", false, alice).json().path("url").asText());
        for (String host : List.of("127.0.0.1", "localhost:80", "evil.example")) {
            try (var socket = new Socket(address.getHost(), address.getPort())) {
                socket.getOutputStream()
                        .write(("GET /api/models/" + REPO + " HTTP/1.1\r\nHost: " + host
                                        + "\r\nConnection: close\r\n\r\n")
                                .getBytes(StandardCharsets.US_ASCII));
                String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                assertThat(answer).as(host).startsWith("HTTP/1.1 " + (host.startsWith("evil") ? "421" : "200"));
            }
        }
    }
}
