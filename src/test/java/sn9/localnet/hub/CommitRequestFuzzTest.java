package sn9.localnet.hub;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import sn9.subnet.RepoId;

/** Any bytes are a commit or refused, and what a commit makes of a list of files is one again. */
class CommitRequestFuzzTest {
    private static final Path FOLDER = temporary();
    private static final HubManifest.Entry PRESENT = new HubManifest.Entry("a/b", 1, "ab".repeat(32));

    @FuzzTest(maxDuration = "30s")
    void anyBytesAreACommitOrRefused(byte[] bytes) throws IOException {
        var repository = HubFolder.open(FOLDER).repository(RepoId.parse("fuzz/fuzz"));
        try {
            var request = CommitRequest.read(new ByteArrayInputStream(bytes), repository);
            var files = request.applyTo(List.of(PRESENT));
            var manifest = new HubManifest("fuzz/fuzz", request.parent(), files);
            if (request.parent().isEmpty()) {
                assertThat(HubManifest.parse("fuzz", manifest.toJson())).isEqualTo(manifest);
            }
        } catch (HubRefusal e) {
            assertThat(e.status()).isBetween(400, 499);
        }
    }

    private static Path temporary() {
        try {
            Path folder = Files.createTempDirectory("commit-request-fuzz");
            folder.toFile().deleteOnExit();
            return folder;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
