package sn9.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sn9.hub.HubFixture.REPO;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import mockwebserver3.MockResponse;
import mockwebserver3.RecordedRequest;
import mockwebserver3.SocketEffect;
import okhttp3.Headers;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.RemoteCallException;
import sn9.subnet.RepoId;

/** What an upload sends, compared with what Hugging Face's own clients send (spec/hub.md 3.6), and what it survives. */
class HubUploadTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> ALL_CALLS = List.of(
            "POST /api/repos/create",
            "GET /api/models/me/m/revision/main",
            "POST /api/models/me/m/preupload/main",
            "POST /me/m.git/info/lfs/objects/batch",
            "PUT /parts/1",
            "PUT /parts/3",
            "POST /me/m.git/complete",
            "POST /me/m.git/verify",
            "POST /api/models/me/m/commit/main");

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

    @Test
    void aBasicUploadIsPreuploadBatchPutCommit() throws Exception {
        String commit = upload(hub.model(13_631_488));
        assertThat(hub.server.calls())
                .containsExactly(
                        "POST /api/repos/create",
                        "GET /api/models/me/m/revision/main",
                        "POST /api/models/me/m/preupload/main",
                        "POST /me/m.git/info/lfs/objects/batch",
                        "PUT /objects/" + oid() + "?Signature=s",
                        "POST /me/m.git/verify",
                        "POST /api/models/me/m/commit/main");
        assertThat(hub.server.commits).containsExactly(commit);

        var create = body(0);
        assertThat(create).isEqualTo(json("{'name':'m','organization':'me','type':'model','visibility':'public'}"));
        assertThat(body(2).path("files").path(0))
                .isEqualTo(json("{'path':'config.json','size':7,'sample':'eyJhIjoxfQ=='}"));
        assertThat(body(2).path("files").path(1).path("sample").asText()).hasSize(684);
        assertThat(body(3))
                .isEqualTo(json("{'operation':'upload','transfers':['basic','multipart'],'hash_algo':'sha256',"
                        + "'ref':{'name':'main'},'objects':[{'oid':'" + oid() + "','size':13631488}]}"));
        assertThat(header(3, "Content-Type")).isEqualTo("application/vnd.git-lfs+json");
        assertThat(header(3, "Accept")).isEqualTo("application/vnd.git-lfs+json");
        assertThat(header(4, "Content-Length")).isEqualTo("13631488");
        assertThat(header(4, "Authorization")).isNull();
        assertThat(body(5)).isEqualTo(json("{'oid':'" + oid() + "','size':13631488}"));
        assertThat(header(6, "Content-Type")).isEqualTo("application/x-ndjson");
        var lines = hub.server.requests.get(6).getBody().utf8().lines().toList();
        assertThat(lines).hasSize(3);
        assertThat(JSON.readTree(lines.get(0)))
                .isEqualTo(json("{'key':'header','value':{'summary':'Upload GPT2LMHeadModel','description':''}}"));
        assertThat(JSON.readTree(lines.get(1)))
                .isEqualTo(json("{'key':'file','value':{'content':'eyJhIjoxfQ==','path':'config.json',"
                        + "'encoding':'base64'}}"));
        assertThat(JSON.readTree(lines.get(2)))
                .isEqualTo(json("{'key':'lfsFile','value':{'path':'model.safetensors','algo':'sha256','oid':'" + oid()
                        + "','size':13631488}}"));
    }

    @Test
    void aMultipartUploadPutsTheHubsPartsAndTheListOfThem() throws Exception {
        hub.server.chunkBytes = 6 << 20;
        upload(hub.model(13_631_488));
        var puts = hub.server.requests.stream()
                .filter(request -> request.getMethod().equals("PUT"))
                .toList();
        assertThat(puts)
                .extracting(put -> put.getHeaders().get("Content-Length"))
                .containsExactlyInAnyOrder("6291456", "6291456", "1048576");
        assertThat(puts).allSatisfy(put -> assertThat(put.getHeaders().get("Authorization"))
                .isNull());
        var completion = request("POST /me/m.git/complete");
        assertThat(completion.getHeaders().get("Authorization")).isNull();
        JsonNode body = JSON.readTree(completion.getBody().utf8());
        assertThat(body.path("oid").asText()).isEqualTo(oid());
        assertThat(body.path("parts").size()).isEqualTo(3);
        assertThat(body.path("parts").path(0).path("partNumber").asInt()).isEqualTo(1);
        assertThat(body.path("parts").path(0).path("etag").asText())
                .startsWith("\"")
                .endsWith("\"");
        assertThat(hub.server.head().get("model.safetensors").bytes()).isEqualTo(HubFixture.bytes(13_631_488, 7));
    }

    @Test
    void whatIsStoredIsNotSentAgainAndWhatIsThereMakesNoCommit() throws Exception {
        Path model = hub.model(100_000);
        String first = upload(model);
        hub.server.requests.clear();
        assertThat(upload(model)).isEqualTo(first);
        assertThat(hub.server.calls())
                .containsExactly(
                        "POST /api/repos/create",
                        "GET /api/models/me/m/revision/main",
                        "POST /api/models/me/m/preupload/main");
        Files.copy(model.resolve("model.safetensors"), model.resolve("other.safetensors"));
        hub.server.requests.clear();
        upload(model);
        assertThat(hub.server.calls()).noneMatch(call -> call.startsWith("PUT"));
        assertThat(hub.server.head()).containsOnlyKeys("config.json", "model.safetensors", "other.safetensors");
    }

    @Test
    void aCommitNamesItsParentAndDropsPartsOfAnotherModel() throws Exception {
        var old = new ScriptedHub.Stored(new byte[] {1}, true);
        var readme = new ScriptedHub.Stored(new byte[] {2}, false);
        String parent = hub.server.commit(
                Map.of("README.md", readme, "model-00001-of-00002.safetensors", old, "generation_config.json", readme));
        upload(hub.model(1000));
        assertThat(hub.server.head()).containsOnlyKeys("README.md", "config.json", "model.safetensors");
        String header = request("POST /api/models/me/m/commit/main")
                .getBody()
                .utf8()
                .lines()
                .findFirst()
                .orElseThrow();
        assertThat(JSON.readTree(header).path("value").path("parentCommit").asText())
                .isEqualTo(parent);
    }

    @Test
    void aPrivateUploadIsNeverSeen() throws Exception {
        try (var store = hub.store(true, false)) {
            store.upload(REPO, hub.model(1000));
            assertThat(hub.server.hidden).isTrue();
            store.repos().setPrivate(RepoId.parse(REPO), false);
            assertThat(hub.server.hidden).isFalse();
            hub.server.requests.clear();
            assertThatThrownBy(() -> store.upload(REPO, hub.model(1001)))
                    .isInstanceOf(HubException.class)
                    .hasMessageContaining("public");
            assertThat(hub.server.calls()).noneMatch(call -> call.contains("commit") || call.startsWith("PUT"));
        }
    }

    @ParameterizedTest
    @CsvSource({"401, false", "403, false", "402, false", "413, false"})
    void aRefusalEndsItAtOnceInTheHubsWords(int status, boolean retryable) throws Exception {
        hub.server.chunkBytes = 40_000;
        Path model = hub.model(100_000);
        for (String call : ALL_CALLS) {
            if (call.startsWith("PUT") || call.contains("complete")) {
                continue; // storage speaks through expired addresses: the next test
            }
            hub.server.requests.clear();
            hub.server.fault = request -> ScriptedHub.call(request).equals(call)
                    ? Optional.of(ScriptedHub.error(status, "", "Storage limit of hf_tokentokentoken reached"))
                    : Optional.empty();
            if (call.contains("create")) {
                hub.server.fault = request ->
                        Optional.of(ScriptedHub.error(status, "", "Storage limit of hf_tokentokentoken reached"));
            }
            assertThatThrownBy(() -> upload(model))
                    .as(call)
                    .isInstanceOf(HubException.class)
                    .hasMessageContaining("Storage limit of *** reached")
                    .hasMessageContaining("req-1")
                    .hasMessageNotContaining("hf_token")
                    .extracting(e -> ((RemoteCallException) e).retryable())
                    .isEqualTo(retryable);
            assertThat(hub.server.calls().stream().filter(call::equals))
                    .as(call)
                    .hasSizeLessThanOrEqualTo(1 + (call.contains("verify") ? 2 : 0));
        }
        assertThat(hub.pauses).isEmpty();
        assertThat(hub.server.commits).isEmpty();
    }

    @Test
    void storageThatKeepsRefusingIsAskedThreeTimes() throws Exception {
        hub.server.fault = request -> request.getMethod().equals("PUT")
                ? Optional.of(new MockResponse(403, Headers.of("Content-Type", "application/xml"), "<Error/>"))
                : Optional.empty();
        Path model = hub.model(1000);
        assertThatThrownBy(() -> upload(model)).isInstanceOf(HubException.class).hasMessageContaining("403");
        assertThat(hub.server.calls().stream().filter(call -> call.startsWith("PUT")))
                .hasSize(3);
        assertThat(hub.server.calls().stream().filter(call -> call.contains("batch")))
                .hasSize(3);
    }

    @Test
    void anErrorOfOneObjectIsToldInTheHubsWords() throws Exception {
        hub.server.fault = request -> request.getTarget().contains("batch")
                ? Optional.of(ScriptedHub.json("{\"objects\":[{\"oid\":\"" + oid(1000)
                        + "\",\"error\":{\"code\":422,\"message\":\"Too large for you\"}}]}"))
                : Optional.empty();
        Path model = hub.model(1000);
        assertThatThrownBy(() -> upload(model)).hasMessageContaining("model.safetensors: Too large for you");
    }

    @ParameterizedTest
    @ValueSource(ints = {429, 500})
    void everyCallSurvivesAPassingTrouble(int status) throws Exception {
        eachCallOnce(request -> new MockResponse(status, Headers.of(), ""));
    }

    @Test
    void everyCallSurvivesACutBeforeItsAnswer() throws Exception {
        eachCallOnce(request -> new MockResponse.Builder()
                .onResponseStart(SocketEffect.ShutdownConnection.INSTANCE)
                .build());
    }

    @Test
    void everyCallSurvivesAnAnswerCutInTheMiddle() throws Exception {
        eachCallOnce(request -> new MockResponse.Builder()
                .body("x".repeat(10_000))
                .onResponseBody(SocketEffect.ShutdownConnection.INSTANCE)
                .build());
    }

    private interface Fault {
        MockResponse of(RecordedRequest request);
    }

    /** Each call fails once, in a repository of its own; the model arrives whole, in one commit. */
    private void eachCallOnce(Fault fault) throws IOException, InterruptedException {
        for (String call : ALL_CALLS) {
            try (var fresh = new HubFixture(Files.createTempDirectory(folder, "fresh"))) {
                fresh.server.chunkBytes = 40_000;
                var left = new AtomicInteger(1);
                fresh.server.fault = request -> ScriptedHub.call(request).startsWith(call) && left.getAndDecrement() > 0
                        ? Optional.of(fault.of(request))
                        : Optional.empty();
                try (var store = fresh.store()) {
                    store.upload(REPO, fresh.model(100_000));
                }
                assertThat(left.get()).as(call).isNegative();
                assertThat(fresh.server.commits).as(call).hasSize(1);
                assertThat(fresh.server.head().get("model.safetensors").bytes())
                        .as(call)
                        .isEqualTo(HubFixture.bytes(100_000, 7));
            }
        }
    }

    @Test
    void aCommitWhoseAnswerWasLostIsNotMadeTwice() throws Exception {
        for (int status : new int[] {0, 500}) {
            try (var fresh = new HubFixture(Files.createTempDirectory(folder, "fresh"))) {
                fresh.server.spoil = (request, answer) -> !request.getTarget().contains("/commit/")
                        ? answer
                        : status == 0
                                ? answer.newBuilder()
                                        .onResponseBody(SocketEffect.ShutdownConnection.INSTANCE)
                                        .build()
                                : answer.newBuilder().code(status).build();
                try (var store = fresh.store()) {
                    String commit = store.upload(REPO, fresh.model(1000));
                    assertThat(fresh.server.commits).containsExactly(commit);
                }
            }
        }
    }

    @Test
    void aBranchThatMovedOnIsNotOverwritten() throws Exception {
        hub.server.commit(Map.of("README.md", new ScriptedHub.Stored(new byte[] {1}, false)));
        hub.server.fault = request -> {
            if (request.getTarget().contains("/commit/")) {
                hub.server.commit(Map.of("README.md", new ScriptedHub.Stored(new byte[] {2}, false)));
            }
            return Optional.empty();
        };
        Path model = hub.model(1000);
        assertThatThrownBy(() -> upload(model)).isInstanceOf(HubException.class).hasMessageContaining("412");
        assertThat(hub.server.head()).containsOnlyKeys("README.md");
    }

    @Test
    void partsStoredBeforeAFailureAreNotSentAgain() throws Exception {
        hub.server.chunkBytes = 30_000;
        Path model = hub.model(100_000);
        hub.server.fault = request -> request.getTarget().startsWith("/parts/4")
                ? Optional.of(new MockResponse(500, Headers.of(), ""))
                : Optional.empty();
        assertThatThrownBy(() -> upload(model)).isInstanceOf(HubException.class);
        assertThat(hub.server.parts).containsOnlyKeys(1, 2, 3);
        hub.server.fault = request -> Optional.empty();
        hub.server.requests.clear();
        upload(model);
        assertThat(hub.server.calls().stream().filter(call -> call.startsWith("PUT")))
                .containsExactly("PUT /parts/4?Signature=s");
        assertThat(hub.server.head().get("model.safetensors").bytes()).isEqualTo(HubFixture.bytes(100_000, 7));
        try (var left = Files.walk(folder.resolve("cache"))) {
            assertThat(left.filter(Files::isRegularFile)).isEmpty();
        }
    }

    @Test
    void partsThatStorageForgotAreSentAgain() throws Exception {
        hub.server.chunkBytes = 30_000;
        Path model = hub.model(100_000);
        hub.server.fault = request -> request.getTarget().startsWith("/parts/4")
                ? Optional.of(new MockResponse(500, Headers.of(), ""))
                : Optional.empty();
        assertThatThrownBy(() -> upload(model)).isInstanceOf(HubException.class);
        hub.server.parts.clear();
        hub.server.fault = request -> Optional.empty();
        upload(model);
        assertThat(hub.server.head().get("model.safetensors").bytes()).isEqualTo(HubFixture.bytes(100_000, 7));
    }

    @Test
    void uploadsNoLinksAndNoOddNames() throws Exception {
        Path model = hub.model(1000);
        Path link = Files.createSymbolicLink(model.resolve("link.json"), Path.of("/etc/passwd"));
        assertThatThrownBy(() -> upload(model)).hasMessageContaining("link");
        Files.delete(link);
        Files.writeString(model.resolve("a\\b"), "");
        assertThatThrownBy(() -> upload(model)).hasMessageContaining("backslash");
        assertThat(hub.server.commits).isEmpty();
    }

    @Test
    void answersThatMakeNoSenseEndIt() throws Exception {
        Path model = hub.model(100_000);
        hub.server.chunkBytes = 40_000;
        var answers = new ArrayList<List<String>>();
        answers.add(List.of("preupload", "{\"files\":[]}"));
        answers.add(List.of("preupload", "{\"files\":[{\"path\":\"config.json\",\"uploadMode\":\"xet\"}]}"));
        answers.add(List.of("preupload", "[]"));
        answers.add(List.of("preupload", "<html>"));
        answers.add(List.of("batch", "{\"objects\":[]}"));
        for (String chunk : List.of("0", "-1", "1", "1e9", "99999999999999999999")) {
            answers.add(List.of(
                    "batch",
                    "{\"objects\":[{\"oid\":\"" + oid(100_000)
                            + "\",\"actions\":{\"upload\":{\"href\":\"http://127.0.0.1:1/\",\"header\":{\"chunk_size\":\""
                            + chunk
                            + "\",\"1\":\"x\"}}}}]}"));
        }
        answers.add(List.of(
                "batch",
                "{\"objects\":[{\"oid\":\"" + oid(100_000)
                        + "\",\"actions\":{\"upload\":{\"href\":\"file:///etc/passwd\"}}}]}"));
        for (var answer : answers) {
            hub.server.fault = request -> request.getTarget().contains(answer.get(0))
                    ? Optional.of(ScriptedHub.json(answer.get(1)))
                    : Optional.empty();
            assertThatThrownBy(() -> upload(model))
                    .as(answer.toString())
                    .isInstanceOf(sn9.MalformedDataException.class);
        }
        assertThat(hub.server.commits).isEmpty();
    }

    private String upload(Path model) throws IOException, InterruptedException {
        try (var store = hub.store()) {
            return store.upload(REPO, model);
        }
    }

    private String oid() {
        return oid(13_631_488);
    }

    private static String oid(int bytes) {
        return ScriptedHub.hex("SHA-256", HubFixture.bytes(bytes, 7));
    }

    private RecordedRequest request(String call) {
        return hub.server.requests.stream()
                .filter(request -> ScriptedHub.call(request).equals(call))
                .findFirst()
                .orElseThrow();
    }

    private JsonNode body(int request) throws IOException {
        return JSON.readTree(hub.server.requests.get(request).getBody().utf8());
    }

    private String header(int request, String name) {
        return hub.server.requests.get(request).getHeaders().get(name);
    }

    private static JsonNode json(String text) throws IOException {
        return JSON.readTree(text.replace('\'', '"'));
    }
}
