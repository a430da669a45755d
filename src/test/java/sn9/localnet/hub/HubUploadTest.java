package sn9.localnet.hub;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.Secret;
import sn9.localnet.hub.AccessTokens.Role;

/** Large files at the served Hub: whole, in parts, spoiled, cut off, and over a restart. */
class HubUploadTest {
    private static final String REPO = "alice/gpt2";
    private static final int PARTS = 5;

    @TempDir
    private Path dir;

    private final byte[] content = new byte[(PARTS - 1) * HubFixture.PART_BYTES + 17];
    private HubFixture hub;
    private Secret alice;

    @BeforeEach
    void serve() throws Exception {
        new Random(7).nextBytes(content);
        hub = new HubFixture(dir);
        alice = hub.token("alice", Role.WRITE);
        hub.create(REPO, false, alice);
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    private JsonNode upload(byte[] bytes) throws Exception {
        return hub.batch(REPO, alice, bytes).path("actions").path("upload");
    }

    private void requireCommittable(byte[] bytes) throws Exception {
        assertThat(hub.batch(REPO, alice, bytes).has("actions")).isFalse();
        assertThat(hub.commit(REPO, alice, HubFixture.largeFile("model.safetensors", bytes))
                        .status())
                .isEqualTo(200);
        var pointer = hub.head("/" + REPO + "/resolve/main/model.safetensors", null);
        assertThat(pointer.status()).isEqualTo(302);
        assertThat(pointer.header("X-Linked-Size")).isEqualTo(Integer.toString(bytes.length));
        assertThat(pointer.header("X-Linked-ETag")).isEqualTo("\"" + HubFixture.sha256(bytes) + "\"");
        assertThat(pointer.header("Content-Length")).isIn("", "0");
        var storage = URI.create(pointer.header("Location"));
        assertThat(storage.getHost()).as("another host, so no token follows").isEqualTo("localhost");
        assertThat(hub.get(storage.toString(), null).response().body()).isEqualTo(bytes);
        assertThat(hub.head(storage.toString(), null).header("Content-Length"))
                .isEqualTo(Integer.toString(bytes.length));
        assertThat(hub.get("/" + REPO + "/raw/main/model.safetensors", null).text())
                .isEqualTo("version https://git-lfs.github.com/spec/v1\noid sha256:" + HubFixture.sha256(bytes)
                        + "\nsize " + bytes.length + "\n");
    }

    @Test
    void aWholeFile() throws Exception {
        byte[] small = Arrays.copyOf(content, HubFixture.PART_BYTES);
        var object = hub.batch(REPO, alice, small);
        var upload = object.path("actions").path("upload");
        assertThat(upload.has("header")).isFalse();
        byte[] spoiled = small.clone();
        spoiled[100]++;
        assertThat(hub.put(upload.path("href").asText(), null, spoiled).status())
                .isEqualTo(400);
        assertThat(hub.put(upload.path("href").asText(), null, Arrays.copyOf(small, 99))
                        .status())
                .isEqualTo(400);
        var verify = object.path("actions").path("verify").path("href").asText();
        String claim = "{\"oid\":\"" + HubFixture.sha256(small) + "\",\"size\":" + small.length + "}";
        assertThat(hub.post(verify, alice, claim).status()).isEqualTo(404);
        assertThat(leftovers()).isEmpty();
        assertThat(hub.put(upload.path("href").asText(), null, small).status()).isEqualTo(200);
        assertThat(hub.post(verify, alice, claim).status()).isEqualTo(200);
        assertThat(hub.post(verify, null, claim).status()).isEqualTo(401);
        requireCommittable(small);
    }

    @Test
    void partsInAnyOrderAndAtOnce() throws Exception {
        var upload = upload(content);
        assertThat(upload.path("header").path("chunk_size").asText()).isEqualTo("" + HubFixture.PART_BYTES);
        assertThat(upload.path("header").size()).isEqualTo(1 + PARTS);
        List<Callable<String>> parts = new ArrayList<>();
        for (int part = PARTS; part >= 1; part--) {
            int number = part;
            parts.addFirst(() -> hub.part(upload, number, content).header("ETag"));
        }
        String[] etags = new String[PARTS];
        try (var threads = Executors.newFixedThreadPool(3)) {
            var answers = threads.invokeAll(parts.reversed()).reversed();
            for (int i = 0; i < PARTS; i++) {
                etags[i] = answers.get(i).get();
                assertThat(etags[i]).matches("\"[0-9a-f]{8}\"");
            }
        }
        assertThat(hub.complete(upload, content, etags).status()).isEqualTo(200);
        assertThat(hub.complete(upload, content, etags).status())
                .as("asked again after a lost answer")
                .isEqualTo(200);
        assertThat(hub.part(upload, 1, content).status()).isEqualTo(404);
        requireCommittable(content);
        assertThat(leftovers()).isEmpty();
    }

    @Test
    void aPartSentAgainReplacesTheSpoiledOne() throws Exception {
        byte[] spoiled = content.clone();
        spoiled[HubFixture.PART_BYTES + 5]++;
        var upload = upload(content);
        String[] etags = new String[PARTS];
        for (int part = 1; part <= PARTS; part++) {
            etags[part - 1] = hub.part(upload, part, spoiled).header("ETag");
        }
        String[] wanted = etags.clone();
        wanted[1] = "\"00000000\"";
        assertThat(hub.complete(upload, content, wanted).error()).contains("400", "InvalidPart: part 2");
        etags[1] = hub.part(upload, 2, content).header("ETag");
        assertThat(hub.complete(upload, content, etags).status()).isEqualTo(200);
        requireCommittable(content);
    }

    @Test
    void wrongOrMissingPartsNeverBecomeAContent() throws Exception {
        var upload = upload(content);
        String[] etags = new String[PARTS];
        byte[] spoiled = content.clone();
        spoiled[0]++;
        for (int part = 1; part <= PARTS; part++) {
            etags[part - 1] = hub.part(upload, part, spoiled).header("ETag");
        }
        assertThat(hub.complete(upload, content, Arrays.copyOf(etags, PARTS - 1))
                        .status())
                .isEqualTo(400);
        assertThat(hub.complete(upload, content, etags).error()).contains("400", "expected content of SHA-256");
        assertThat(hub.complete(upload, content, etags).status()).isEqualTo(404);

        var holed = upload(content);
        for (int part = 2; part <= PARTS; part++) {
            etags[part - 1] = hub.part(holed, part, content).header("ETag");
        }
        assertThat(hub.complete(holed, content, etags).status()).isEqualTo(400);
        assertThat(hub.batch(REPO, alice, content).has("actions")).isTrue();
        assertThat(hub.commit(REPO, alice, HubFixture.largeFile("a.bin", content))
                        .error())
                .contains("LFS pointer pointed to a file that does not exist");
    }

    @Test
    void anUploadGoesOnAfterARestart() throws Exception {
        var upload = upload(content);
        String[] etags = new String[PARTS];
        for (int part = 1; part <= PARTS; part++) {
            if (part == 3) {
                hub.restart();
            }
            etags[part - 1] = hub.part(upload, part, content).header("ETag");
        }
        assertThat(hub.complete(upload, content, etags).status()).isEqualTo(200);
        requireCommittable(content);
    }

    @Test
    void anAddressHoldsForItsUseAndItsTimeOnly() throws Exception {
        var upload = upload(content);
        String part = upload.path("header").path("00001").asText();
        byte[] slice = Arrays.copyOf(content, HubFixture.PART_BYTES);
        assertThat(hub.put(part.replace("/00001?", "/00002?"), null, slice).error())
                .isEqualTo("403  Invalid signature");
        assertThat(hub.put(part.replaceFirst("expires=\\d+", "expires=99999999999"), null, slice)
                        .status())
                .isEqualTo(403);
        assertThat(hub.put(part.replaceFirst("\\?.*", ""), null, slice).status())
                .isEqualTo(403);
        String whole = upload(slice).path("href").asText();
        assertThat(hub.get(whole, null).error()).isEqualTo("403  Invalid signature");
        hub.now = hub.now.plus(Duration.ofHours(25));
        assertThat(hub.put(part, null, slice).error()).isEqualTo("403  Request has expired");
        hub.now = hub.now.minus(Duration.ofHours(2));
        assertThat(hub.put(part, null, slice).status()).isEqualTo(200);
    }

    @Test
    void whatNobodyGoesOnWithIsDeleted() throws Exception {
        hub.part(upload(content), 1, content);
        assertThat(leftovers()).hasSize(1);
        upload(content);
        assertThat(leftovers()).hasSize(2);
        for (Path file : leftovers()) {
            Files.setLastModifiedTime(file, FileTime.from(hub.now.minus(Duration.ofHours(49))));
        }
        upload(content);
        assertThat(leftovers()).hasSize(1);
    }

    @Test
    void onlyTheOwnerUploads() throws Exception {
        for (Secret token : new Secret[] {hub.token("bob", Role.WRITE), hub.token("alice", Role.READ)}) {
            var answer = hub.post("/" + REPO + ".git/info/lfs/objects/batch", token, "{}");
            assertThat(answer.error()).isEqualTo("403  Authorization error.");
        }
        assertThat(hub.post("/" + REPO + ".git/info/lfs/objects/batch", null, "{}")
                        .status())
                .isEqualTo(401);
    }

    private List<Path> leftovers() throws IOException {
        try (Stream<Path> all = Files.walk(dir)) {
            return all.filter(path -> path.toString().endsWith(".tmp")).toList();
        }
    }
}
