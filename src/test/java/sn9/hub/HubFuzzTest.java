package sn9.hub;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import sn9.MalformedDataException;
import sn9.http.StrictJson;

/** What a Hub says of files and ETags, and what a disk made of a journal, as any bytes at all. */
class HubFuzzTest {
    private static final ContentId CONTENT = new ContentId("ab".repeat(32));
    private static final MultipartUpload UPLOAD =
            new MultipartUpload("http://hub", CONTENT, 10, 4, "http://hub/done", List.of("a", "b", "c"));

    @FuzzTest(maxDuration = "30s")
    void anyEntryIsAFileThatStaysInItsFolderOrMalformed(byte[] bytes) {
        try {
            var file = HubRepos.file("fuzz", StrictJson.parse("fuzz", bytes));
            assertThat(Path.of("/folder").resolve(file.path()).normalize()).startsWith(Path.of("/folder"));
            assertThat(file.bytes()).isGreaterThanOrEqualTo(-1);
        } catch (MalformedDataException e) {
            assertThat(e.getMessage()).startsWith("fuzz").hasSizeLessThan(1500);
        }
    }

    @FuzzTest(maxDuration = "30s")
    void anyEtagIsAContentOrNone(byte[] bytes) {
        ContentId.ofEtag(new String(bytes, StandardCharsets.UTF_8))
                .ifPresent(content -> assertThat(content.hex()).matches("[0-9a-f]{40}|[0-9a-f]{64}"));
    }

    @FuzzTest(maxDuration = "30s")
    void anyJournalIsGoneOnWithOrBegunAnew(byte[] bytes) throws IOException {
        Path folder = Files.createTempDirectory("journal");
        Path file = folder.resolve(CONTENT.hex() + ".upload");
        try {
            Files.write(file, bytes);
            var session = new UploadJournal(folder).resume(UPLOAD);
            assertThat(session.upload().matches(UPLOAD)).isTrue();
            assertThat(session.etags().keySet()).allMatch(part -> part >= 1 && part <= 3);
            session.done(1, "\"x\"");
            assertThat(new UploadJournal(folder).resume(UPLOAD).etags()).containsEntry(1, "\"x\"");
        } finally {
            Files.deleteIfExists(file);
            Files.delete(folder);
        }
    }
}
