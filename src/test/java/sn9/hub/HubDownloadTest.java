package sn9.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sn9.hub.HubFixture.REPO;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import mockwebserver3.MockResponse;
import mockwebserver3.SocketEffect;
import okhttp3.Headers;
import okio.Buffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.hub.ScriptedHub.Stored;
import sn9.subnet.RemoteModelStore.RemoteFile;
import sn9.subnet.RepoId;

/** What a download asks for, and that whatever happens a file is there whole and right, or not at all. */
class HubDownloadTest {
    private static final byte[] LARGE = HubFixture.bytes(5 * HubFixture.CHUNK + 123, 3);
    private static final byte[] SMALL = HubFixture.bytes(1234, 4);
    private static final String FILE = "model.safetensors";

    @TempDir
    private Path folder;

    private HubFixture hub;
    private String commit;
    private Path target;

    @BeforeEach
    void start() throws IOException {
        hub = new HubFixture(folder);
        commit = hub.server.commit(Map.of(FILE, new Stored(LARGE, true), "sub/config.json", new Stored(SMALL, false)));
        target = Files.createDirectories(folder.resolve("target")).resolve("file");
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    @Test
    void listsAllPagesWithTrueSizes() throws Exception {
        hub.server.listPage = 1;
        try (var store = hub.store()) {
            assertThat(store.files(REPO, commit))
                    .containsExactly(
                            new RemoteFile(FILE, LARGE.length, Optional.of(ScriptedHub.hex("SHA-256", LARGE))),
                            new RemoteFile("sub/config.json", SMALL.length));
        }
        assertThat(hub.server.calls().getFirst())
                .isEqualTo("GET /api/models/me/m/tree/" + commit + "?recursive=true&expand=false");
        assertThat(hub.server.calls()).hasSize(2);
    }

    @Test
    void aSmallFileIsOneHeadAndOneGet() throws Exception {
        download("sub/config.json");
        assertThat(target).hasBinaryContent(SMALL);
        String address = " /me/m/resolve/" + commit + "/sub/config.json";
        assertThat(hub.server.calls()).containsExactly("HEAD" + address, "GET" + address);
        assertThat(hub.server.requests)
                .allSatisfy(request ->
                        assertThat(request.getHeaders().get("Accept-Encoding")).isEqualTo("identity"));
        assertThat(hub.server.requests.get(1).getHeaders().get("Range")).isNull();
    }

    @Test
    void aLargeFileComesInRangesFromStorageWhichSeesNoToken() throws Exception {
        download(FILE);
        assertThat(target).hasBinaryContent(LARGE);
        var stored = hub.server.requests.stream()
                .filter(request -> request.getTarget().startsWith("/objects/"))
                .toList();
        assertThat(stored).hasSize(6).allSatisfy(request -> {
            assertThat(request.getHeaders().get("Authorization")).isNull();
            assertThat(request.getHeaders().get("Range")).startsWith("bytes=");
        });
        assertThat(Files.list(target.getParent())).containsExactly(target);
    }

    @Test
    void cutsAtEveryKindOfPlaceAreGoneOnWith() throws Exception {
        var seen = ConcurrentHashMap.<String>newKeySet();
        hub.server.spoil = (request, answer) -> {
            String range = request.getHeaders().get("Range");
            boolean stored = seen.add(request.getMethod() + request.getTarget() + range)
                    && request.getTarget().startsWith("/objects/");
            return stored && Long.parseLong(answer.getHeaders().get("Content-Length")) > 1000 ? cut(answer) : answer;
        };
        download(FILE);
        assertThat(target).hasBinaryContent(LARGE);
        assertThat(hub.server.requests.stream()
                        .filter(request -> request.getTarget().startsWith("/objects/"))
                        .map(request -> request.getHeaders().get("Range"))
                        .filter(range -> !range.matches("bytes=(0|65536|131072|196608|262144|327680)-.*")))
                .as("ranges that go on in the middle")
                .isNotEmpty();
    }

    private static MockResponse cut(MockResponse answer) {
        return answer.newBuilder()
                .onResponseBody(new SocketEffect.CloseSocket(true, false, false))
                .build();
    }

    @ParameterizedTest
    @ValueSource(ints = {429, 500, 502, 503, 504})
    void passingTroubleOfHubAndStoragePasses(int status) throws Exception {
        var seen = ConcurrentHashMap.<String>newKeySet();
        hub.server.fault = request ->
                seen.add(request.getTarget() + request.getHeaders().get("Range"))
                        ? Optional.of(new MockResponse(status, Headers.of(), ""))
                        : Optional.empty();
        download(FILE);
        assertThat(target).hasBinaryContent(LARGE);
    }

    @Test
    void aLastingCutIsGivenUp() {
        hub.server.spoil = (request, answer) -> request.getTarget().startsWith("/objects/")
                ? answer.newBuilder()
                        .onResponseStart(SocketEffect.ShutdownConnection.INSTANCE)
                        .build()
                : answer;
        assertThatThrownBy(() -> download(FILE))
                .isInstanceOf(RemoteCallException.class)
                .extracting(e -> ((RemoteCallException) e).retryable())
                .isEqualTo(true);
        assertThat(target).doesNotExist();
    }

    @Test
    void whatAnEarlierTryGotIsNotFetchedAgain() throws Exception {
        hub.server.fault = request ->
                "bytes=327680-327802".equals(request.getHeaders().get("Range"))
                                && request.getTarget().startsWith("/objects/")
                        ? Optional.of(new MockResponse(404, Headers.of(), ""))
                        : Optional.empty();
        assertThatThrownBy(() -> download(FILE)).isInstanceOf(HubException.class);
        assertThat(target).doesNotExist();
        long got = hub.server.requests.stream()
                .filter(r -> r.getTarget().startsWith("/objects/"))
                .count();
        assertThat(got).isGreaterThan(2);
        hub.server.fault = request -> Optional.empty();
        hub.server.requests.clear();
        download(FILE);
        assertThat(target).hasBinaryContent(LARGE);
        assertThat(hub.server.requests.stream().filter(r -> r.getTarget().startsWith("/objects/")))
                .hasSizeLessThan(6);
    }

    @Test
    void leftoversOfAnotherContentAreFoundOutAndReplaced() throws Exception {
        Path partials = Files.createDirectories(folder.resolve("cache/.locks/sn9-downloads"));
        String oid = ScriptedHub.hex("SHA-256", LARGE);
        Files.write(partials.resolve(oid + ".partial"), new byte[LARGE.length + 10]);
        Files.writeString(partials.resolve(oid + ".chunks"), "0\n1\n2\n3\n4\n5\n99\nx\n\n-1\n4");
        download(FILE);
        assertThat(target).hasBinaryContent(LARGE);
    }

    @Test
    void aServerWithoutRangesServesToo() throws Exception {
        hub.server.spoil = (request, answer) -> answer.getCode() == 206
                ? new MockResponse.Builder().body(new Buffer().write(LARGE)).build()
                : answer;
        download(FILE);
        assertThat(target).hasBinaryContent(LARGE);
        assertThat(hub.server.requests.stream().filter(r -> r.getTarget().startsWith("/objects/")))
                .as("the whole once, after each of four readers has asked twice at most")
                .hasSizeLessThanOrEqualTo(9);
    }

    @Test
    void wrongBytesAreFetchedOnceMoreAndThenRefused() throws Exception {
        byte[] other = HubFixture.bytes(LARGE.length, 99);
        String oid = ScriptedHub.hex("SHA-256", LARGE);
        hub.server.objects.put(oid, other);
        assertThatThrownBy(() -> download(FILE))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("again not");
        assertThat(target).doesNotExist();
        hub.server.objects.put(oid, LARGE);
        download(FILE);
        assertThat(target).hasBinaryContent(LARGE);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 64 << 10, 400_000})
    void anotherLengthThanAnnouncedIsRefused(int length) {
        hub.server.objects.put(ScriptedHub.hex("SHA-256", LARGE), HubFixture.bytes(length, 3));
        hub.server.spoil = (request, answer) -> answer;
        hub.server.fault = request -> request.getTarget().startsWith("/objects/") && length <= 64 << 10
                ? Optional.of(new MockResponse(416, Headers.of(), ""))
                : Optional.empty();
        assertThatThrownBy(() -> download(FILE))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("expected " + LARGE.length + " bytes");
        assertThat(target).doesNotExist();
    }

    @Test
    void tooLargeIsRefusedBeforeAByteIsRead() {
        assertThatThrownBy(() -> {
                    try (var store = hub.store()) {
                        store.download(REPO, commit, FILE, target, LARGE.length - 1);
                    }
                })
                .isInstanceOf(MalformedDataException.class);
        assertThat(hub.server.calls()).hasSize(1);
    }

    @Test
    void compressedContentIsRefused() {
        hub.server.spoil = (request, answer) -> request.getTarget().startsWith("/objects/")
                ? answer.newBuilder().addHeader("Content-Encoding", "gzip").build()
                : answer;
        assertThatThrownBy(() -> download(FILE)).hasMessageContaining("compressed (gzip)");
    }

    @Test
    void anotherCommitThanTheOneAskedForIsRefused() {
        hub.server.spoil = (request, answer) -> request.getMethod().equals("HEAD")
                ? answer.newBuilder().setHeader("X-Repo-Commit", "0".repeat(40)).build()
                : answer;
        assertThatThrownBy(() -> download(FILE))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("found " + "0".repeat(40));
    }

    @ParameterizedTest
    @ValueSource(strings = {"X-Repo-Commit", "X-Linked-Size", "X-Linked-ETag"})
    void anAnswerWithoutWhatItNeedsIsRefused(String missing) {
        hub.server.spoil = (request, answer) -> request.getMethod().equals("HEAD")
                ? answer.newBuilder()
                        .headers(answer.getHeaders()
                                .newBuilder()
                                .removeAll(missing)
                                .set("ETag", "\"md5-or-so\"")
                                .build())
                        .build()
                : answer;
        assertThatThrownBy(() -> download(FILE)).isInstanceOf(MalformedDataException.class);
    }

    @Test
    void aMissingFileIsForGood() {
        assertThatThrownBy(() -> download("missing.json"))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("404 EntryNotFound")
                .extracting(e -> ((RemoteCallException) e).retryable())
                .isEqualTo(false);
    }

    @ParameterizedTest
    @ValueSource(strings = {"../evil", "/etc/passwd", "a/../../b", "a\\..\\b", "C:evil", "a//b", "./a", "", "a\u0000b"})
    void namesThatLeadElsewhereAreRefused(String name) {
        hub.server.fault = request -> request.getTarget().contains("/tree/")
                ? Optional.of(ScriptedHub.json("["
                        + new com.fasterxml.jackson.databind.ObjectMapper()
                                .createObjectNode()
                                .put("type", "file")
                                .put("path", name)
                                .put("size", 1)
                                .put("oid", "0".repeat(40))
                        + "]"))
                : Optional.empty();
        try (var store = hub.store()) {
            assertThatThrownBy(() -> store.files(REPO, commit))
                    .isInstanceOf(MalformedDataException.class)
                    .hasMessageContaining("file name");
        }
    }

    @Test
    void aNextPageOnAnotherHostIsNotAsked() {
        hub.server.spoil = (request, answer) -> answer.newBuilder()
                .addHeader("Link", "<" + hub.server.storage.url("/steal") + ">; rel=\"next\"")
                .build();
        try (var store = hub.store()) {
            assertThatThrownBy(() -> store.files(REPO, commit)).hasMessageContaining("another host");
        }
        assertThat(hub.server.calls()).hasSize(1);
    }

    @Test
    void manyAtOnceShareOnePartialAndAllGetTheFile() throws Exception {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var all = new TreeMap<Integer, Future<?>>();
            for (int i = 0; i < 4; i++) {
                Path own = folder.resolve("target").resolve("file" + i);
                all.put(i, threads.submit(() -> {
                    try (var store = hub.store()) {
                        store.download(REPO, commit, FILE, own, LARGE.length);
                    }
                    return null;
                }));
            }
            for (var done : all.values()) {
                done.get();
            }
        }
        for (int i = 0; i < 4; i++) {
            assertThat(folder.resolve("target").resolve("file" + i)).hasBinaryContent(LARGE);
        }
    }

    @Test
    void aFileLargerThanTheDiskIsRefusedBeforeAByteIsRead() {
        hub.server.spoil = (request, answer) -> request.getMethod().equals("HEAD")
                ? answer.newBuilder()
                        .setHeader("X-Linked-Size", Long.toString(1L << 58))
                        .build()
                : answer;
        assertThatThrownBy(() -> {
                    try (var store = hub.store()) {
                        store.download(REPO, commit, FILE, target, Long.MAX_VALUE);
                    }
                })
                .hasMessageContaining("has room for");
        assertThat(hub.server.calls()).hasSize(1);
    }

    @Test
    void abandonedDownloadsAreSweptAndOthersKept() throws Exception {
        Path partials = Files.createDirectories(folder.resolve("cache/.locks/sn9-downloads"));
        Path old = Files.writeString(partials.resolve("a".repeat(64) + ".partial"), "x");
        Path fresh = Files.writeString(partials.resolve("b".repeat(64) + ".partial"), "x");
        Path used = Files.writeString(partials.resolve("c".repeat(64) + ".partial"), "x");
        Files.writeString(partials.resolve("c".repeat(64) + ".lock"), "");
        var longAgo = FileTime.from(Instant.now().minus(Duration.ofDays(8)));
        Files.setLastModifiedTime(old, longAgo);
        Files.setLastModifiedTime(used, longAgo);
        hub.store().close();
        assertThat(old).doesNotExist();
        assertThat(fresh).exists();
        assertThat(used).exists();
    }

    /** As when another program brought it while this one waited for its turn. */
    @Test
    void whatIsThereAlreadyIsNotFetchedAgain() throws Exception {
        download(FILE);
        hub.server.requests.clear();
        download(FILE);
        assertThat(hub.server.calls()).noneMatch(call -> call.contains("/objects/"));
        assertThat(folder.resolve("cache/.locks/sn9-downloads")).isDirectoryNotContaining("glob:**.{partial,chunks}");
        Files.write(target, new byte[LARGE.length]);
        download(FILE);
        assertThat(target).hasBinaryContent(LARGE);
    }

    /** "12" cut off after its first digit is no note of chunk 1, neither at once nor later. */
    @Test
    void aNoteThatIsCutOffIsDropped() throws Exception {
        var content = new ContentId("a".repeat(64));
        Path partials = Files.createDirectories(folder.resolve("partials"));
        try (var partial = PartialFile.open(partials, content, 20)) {
            partial.finish(3);
            partial.finish(12);
        }
        Path notes = partials.resolve(content.hex() + ".chunks");
        Files.writeString(notes, Files.readString(notes).replace("12\n", "1"));
        for (int again = 0; again < 2; again++) {
            try (var partial = PartialFile.open(partials, content, 20)) {
                assertThat(IntStream.range(0, 20).filter(partial::has)).containsExactly(3);
            }
        }
    }

    @Test
    void aLinkInPlaceOfADownloadIsNotFollowed() throws Exception {
        Path partials = Files.createDirectories(folder.resolve("cache/.locks/sn9-downloads"));
        Files.createSymbolicLink(
                partials.resolve(ScriptedHub.hex("SHA-256", LARGE) + ".partial"), Path.of("/dev/full"));
        assertThatThrownBy(() -> download(FILE))
                .isInstanceOf(IOException.class)
                .isNotInstanceOf(RemoteCallException.class);
        assertThat(target).doesNotExist();
    }

    @Test
    void theCacheIsLaidOutAsOtherToolsKnowIt() throws Exception {
        try (var store = hub.store()) {
            var repo = RepoId.parse(REPO);
            assertThat(store.resolve(repo, "main")).isEqualTo(commit);
            Path snapshot = store.snapshot(repo, commit, store.files(REPO, commit));
            Path root = folder.resolve("cache/models--me--m");
            assertThat(snapshot).isEqualTo(root.resolve("snapshots/" + commit));
            assertThat(root.resolve("refs/main")).hasContent(commit);
            assertThat(Files.readSymbolicLink(snapshot.resolve(FILE)).toString())
                    .isEqualTo("../../blobs/" + ScriptedHub.hex("SHA-256", LARGE));
            assertThat(Files.readSymbolicLink(snapshot.resolve("sub/config.json"))
                            .toString())
                    .isEqualTo("../../../blobs/" + ScriptedHub.gitSha1(SMALL));
            assertThat(snapshot.resolve(FILE)).hasBinaryContent(LARGE);
            assertThat(snapshot.resolve("sub/config.json")).hasBinaryContent(SMALL);

            hub.server.requests.clear();
            store.snapshot(repo, commit, List.of(new RemoteFile(FILE, LARGE.length)));
            download(FILE);
            assertThat(hub.server.calls()).isEmpty();
            assertThat(target).hasBinaryContent(LARGE);
        }
        try (var store = hub.store(false, true)) {
            assertThat(store.resolve(RepoId.parse(REPO), "main")).isEqualTo(commit);
            assertThat(store.files(REPO, commit)).hasSize(2);
            store.download(REPO, commit, "sub/config.json", target, 1 << 20);
            assertThat(target).hasBinaryContent(SMALL);
            assertThatThrownBy(() -> store.download(REPO, commit, "other", target, 1 << 20))
                    .hasMessageContaining("HF_HUB_OFFLINE");
            assertThatThrownBy(() -> store.upload(REPO, folder)).hasMessageContaining("HF_HUB_OFFLINE");
        }
        assertThat(hub.server.calls()).isEmpty();
    }

    @Test
    void aDamagedBlobIsFetchedAgain() throws Exception {
        var repo = RepoId.parse(REPO);
        try (var store = hub.store()) {
            Path file = store.snapshot(repo, commit, List.of(new RemoteFile(FILE, LARGE.length)))
                    .resolve(FILE);
            Files.write(file.toRealPath(), new byte[LARGE.length]);
            download(FILE);
            assertThat(target).hasBinaryContent(LARGE);
            Files.write(
                    file.getParent()
                            .getParent()
                            .getParent()
                            .resolve("blobs")
                            .resolve(ScriptedHub.hex("SHA-256", LARGE)),
                    new byte[LARGE.length]);
            assertThat(store.snapshot(repo, commit, List.of(new RemoteFile(FILE, LARGE.length)))
                            .resolve(FILE))
                    .hasBinaryContent(LARGE);
        }
    }

    @Test
    void aLinkOutOfTheCacheIsNotRead() throws Exception {
        Path snapshot = Files.createDirectories(folder.resolve("cache/models--me--m/snapshots/" + commit));
        Path secret = Files.writeString(folder.resolve("secret"), "secret");
        Files.createSymbolicLink(snapshot.resolve(FILE), secret);
        download(FILE);
        assertThat(target).hasBinaryContent(LARGE);
        assertThat(secret).hasContent("secret");
    }

    private void download(String path) throws IOException, InterruptedException {
        try (var store = hub.store()) {
            store.download(REPO, commit, path, target, 1L << 40);
        }
    }
}
