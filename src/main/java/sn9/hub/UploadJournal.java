package sn9.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.http.StrictJson;

/**
 * Which parts of uploads under way are stored, so that a killed program goes on with the rest: one file per content, its
 * first line the {@link MultipartUpload}, then one line per stored part. The files are the owner's alone, since the
 * addresses in them are signed; one that cannot be read or used counts for nothing.
 */
final class UploadJournal {
    private static final Logger LOG = LoggerFactory.getLogger(UploadJournal.class);

    /** Ten thousand addresses of a kilobyte. */
    private static final long MAX_BYTES = 16 << 20;

    private final Path folder;

    UploadJournal(Path folder) {
        this.folder = folder;
    }

    /** One upload under way. */
    final class Session {
        private final MultipartUpload upload;
        private final TreeMap<Integer, String> etags;
        private boolean noted = true;

        private Session(MultipartUpload upload, TreeMap<Integer, String> etags) {
            this.upload = upload;
            this.etags = etags;
        }

        MultipartUpload upload() {
            return upload;
        }

        /** Storage's names of the parts it has, by number from 1. */
        synchronized SortedMap<Integer, String> etags() {
            return new TreeMap<>(etags);
        }

        /** Notes that a part is stored. */
        synchronized void done(int part, String etag) {
            etags.put(part, etag);
            var line = JsonNodeFactory.instance.objectNode().put("part", part).put("etag", etag);
            note(() -> append(upload.content(), line));
        }

        /** An upload goes on without notes, when the disk is full or another program has ended the same upload. */
        private void note(Note note) {
            if (noted) {
                try {
                    note.write();
                } catch (IOException e) {
                    noted = false; // a line may be cut off: no other must be joined to it
                    LOG.warn(
                            "event=upload_not_noted content={} reason=\"{}\" if it is cut off, it starts again",
                            upload,
                            e.toString());
                }
            }
        }
    }

    private interface Note {
        void write() throws IOException;
    }

    /** Goes on with an earlier upload of the same file in the same parts, or begins this one. */
    Session resume(MultipartUpload fresh) throws IOException {
        Path file = file(fresh.content());
        try {
            if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) && Files.size(file) <= MAX_BYTES) {
                Session earlier = read(file);
                if (earlier.upload.matches(fresh)) {
                    LOG.info("event=upload_resumed content={} parts_stored={}", fresh, earlier.etags.size());
                    return earlier;
                }
            }
        } catch (MalformedDataException e) {
            LOG.warn("event=upload_journal_ignored reason=\"{}\"", e.getMessage());
        }
        var session = new Session(fresh, new TreeMap<>());
        session.note(() -> {
            Files.createDirectories(folder);
            Files.deleteIfExists(file);
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            append(fresh.content(), header(fresh));
        });
        return session;
    }

    private void append(ContentId content, JsonNode line) throws IOException {
        Files.writeString(file(content), line + "\n", StandardOpenOption.APPEND, LinkOption.NOFOLLOW_LINKS);
    }

    /** Drops what is known of an upload: it is complete, or storage has forgotten it. */
    void forget(ContentId content) throws IOException {
        Files.deleteIfExists(file(content));
    }

    private Path file(ContentId content) {
        return folder.resolve(content.hex() + ".upload");
    }

    private static JsonNode header(MultipartUpload upload) {
        var header = JsonNodeFactory.instance
                .objectNode()
                .put("endpoint", upload.endpoint())
                .put("oid", upload.content().hex())
                .put("bytes", upload.bytes())
                .put("chunk_bytes", upload.chunkBytes())
                .put("completion", upload.completion());
        upload.parts().forEach(header.putArray("parts")::add);
        return header;
    }

    private Session read(Path file) throws IOException {
        String text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1); // bytes are characters
        int end = text.indexOf('\n');
        if (end < 0) {
            throw new MalformedDataException(file.toString(), 0, "its first line is cut off");
        }
        JsonNode header = parse(file, text.substring(0, end));
        var parts = new ArrayList<String>();
        header.path("parts").forEach(part -> parts.add(part.asText("")));
        MultipartUpload upload;
        try {
            upload = new MultipartUpload(
                    header.path("endpoint").asText(""),
                    new ContentId(header.path("oid").asText("")),
                    header.path("bytes").asLong(-1),
                    header.path("chunk_bytes").asLong(-1),
                    header.path("completion").asText(""),
                    parts);
        } catch (IllegalArgumentException e) {
            throw new MalformedDataException(file.toString(), 0, e.getMessage(), e);
        }
        var etags = new TreeMap<Integer, String>();
        for (int from = end + 1, to = text.indexOf('\n', from); to >= 0; from = to + 1, to = text.indexOf('\n', from)) {
            JsonNode line = parse(file, text.substring(from, to));
            int part = line.path("part").asInt(-1);
            String etag = line.path("etag").asText("");
            if (part < 1 || part > parts.size() || etag.isEmpty()) {
                throw new MalformedDataException(file.toString(), from, "expected a part and its ETag");
            }
            etags.put(part, etag);
        }
        if (!text.endsWith("\n")) { // cut off while it was written: the next line must not be joined to it
            try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(text.lastIndexOf('\n') + 1L);
            }
        }
        return new Session(upload, etags);
    }

    private static JsonNode parse(Path file, String line) throws MalformedDataException {
        return StrictJson.parse(file.toString(), line.getBytes(StandardCharsets.ISO_8859_1));
    }
}
