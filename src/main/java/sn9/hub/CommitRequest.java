package sn9.hub;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import sn9.MalformedDataException;

/**
 * A commit as the Hub takes it: lines of JSON, a header first (spec/hub.md 3.3).
 *
 * @param summary one line of what it is
 * @param parent the commit it follows; the Hub refuses it when the branch has moved on
 * @param inline small files, sent within
 * @param large files stored already, by their SHA-256
 * @param deleted names of files to go
 */
record CommitRequest(
        String summary, Optional<String> parent, List<UploadFile> inline, List<LargeFile> large, List<String> deleted) {
    static final String CONTENT_TYPE = "application/x-ndjson";

    /** All inline files together; what is larger goes through LFS. They are held in memory. */
    private static final long MAX_INLINE_BYTES = 8 << 20;

    /** A file in LFS. */
    record LargeFile(UploadFile file, ContentId content) {}

    /** Whether it changes nothing. */
    boolean isEmpty() {
        return inline.isEmpty() && large.isEmpty() && deleted.isEmpty();
    }

    /**
     * The body.
     *
     * @throws MalformedDataException when the Hub wants more bytes within the commit than are held in memory
     */
    byte[] toLines() throws IOException {
        long bytes = inline.stream().mapToLong(UploadFile::bytes).sum();
        if (bytes > MAX_INLINE_BYTES) {
            throw new MalformedDataException(
                    "hub",
                    -1,
                    "wants " + bytes + " bytes of files within the commit, at most " + MAX_INLINE_BYTES
                            + " are sent so");
        }
        var lines = new ByteArrayOutputStream();
        var header =
                JsonNodeFactory.instance.objectNode().put("summary", summary).put("description", "");
        parent.ifPresent(commit -> header.put("parentCommit", commit));
        add(lines, "header", header);
        for (UploadFile file : inline) {
            var value = JsonNodeFactory.instance
                    .objectNode()
                    .put("content", Base64.getEncoder().encodeToString(Files.readAllBytes(file.file())))
                    .put("path", file.path())
                    .put("encoding", "base64");
            add(lines, "file", value);
        }
        for (LargeFile file : large) {
            var value = JsonNodeFactory.instance
                    .objectNode()
                    .put("path", file.file().path())
                    .put("algo", "sha256")
                    .put("oid", file.content().hex())
                    .put("size", file.file().bytes());
            add(lines, "lfsFile", value);
        }
        for (String path : deleted) {
            add(lines, "deletedFile", JsonNodeFactory.instance.objectNode().put("path", path));
        }
        return lines.toByteArray();
    }

    private static void add(ByteArrayOutputStream lines, String key, ObjectNode value) throws IOException {
        var line = JsonNodeFactory.instance.objectNode().put("key", key).set("value", value);
        lines.write(line.toString().getBytes(StandardCharsets.UTF_8));
        lines.write('\n');
    }
}
