package sn9.localnet.hub;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a commit's body asks for (spec/hub.md 3.3, step 3): JSON values one a line, the first of which is the header.
 *
 * @param title what the commit is called
 * @param description more of it, may be empty
 * @param parent the commit that must be the latest, where one is named
 * @param operations in the order of the body
 */
record CommitRequest(String title, String description, Optional<String> parent, List<Operation> operations) {
    /** One change. */
    sealed interface Operation {
        /** A file gets a content that the repository holds already. */
        record Put(HubManifest.Entry file) implements Operation {}

        /** A file goes. */
        record DeleteFile(String path) implements Operation {}

        /** All files below a folder go. */
        record DeleteFolder(String path) implements Operation {}
    }

    private static final int MAX_TITLE = 1000;
    private static final int MAX_DESCRIPTION = 16 << 10;

    /**
     * Reads a body; the content of regular files goes to the repository's blobs at once, so that one file at a time is in
     * memory.
     *
     * @throws HubRefusal 400 when the body breaks the form, or names a large file whose content was not uploaded
     */
    static CommitRequest read(InputStream body, HubRepository repository) throws IOException {
        var reader = new Reader(repository);
        JsonBody.readEach(body, reader::accept);
        return reader.request();
    }

    /** The files after this commit, in order of path. */
    List<HubManifest.Entry> applyTo(List<HubManifest.Entry> before) throws HubRefusal {
        var files = new TreeMap<String, HubManifest.Entry>();
        before.forEach(file -> files.put(file.path(), file));
        for (Operation operation : operations) {
            switch (operation) {
                case Operation.Put(HubManifest.Entry file) -> files.put(file.path(), file);
                case Operation.DeleteFile(String path) -> {
                    if (files.remove(path) == null) {
                        throw HubRefusal.entryNotFound();
                    }
                }
                case Operation.DeleteFolder(String path) -> {
                    if (!files.keySet().removeIf(file -> file.startsWith(path + "/"))) {
                        throw HubRefusal.entryNotFound();
                    }
                }
            }
        }
        if (files.size() > HubManifest.MAX_FILES) {
            throw HubRefusal.badRequest(
                    "the commit holds " + files.size() + " files, expected at most " + HubManifest.MAX_FILES);
        }
        for (String path : files.keySet()) {
            for (int slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
                if (files.containsKey(path.substring(0, slash))) {
                    throw HubRefusal.badRequest(
                            path.substring(0, slash) + " would be a file and the folder of " + path);
                }
            }
        }
        return List.copyOf(files.values());
    }

    /** Takes the values of a body one by one. */
    private static final class Reader {
        private final HubRepository repository;
        private final List<Operation> operations = new ArrayList<>();
        private ObjectNode header;

        Reader(HubRepository repository) {
            this.repository = repository;
        }

        void accept(ObjectNode line) throws IOException {
            String key = JsonBody.text(line, "key");
            if (!(line.path("value") instanceof ObjectNode value)) {
                throw HubRefusal.badRequest("expected the object value beside key " + key);
            }
            if (key.equals("header") != (header == null)) {
                throw HubRefusal.badRequest("expected one header, in the first line");
            }
            if (operations.size() == HubManifest.MAX_FILES) {
                throw HubRefusal.badRequest("expected at most " + HubManifest.MAX_FILES + " operations");
            }
            switch (key) {
                case "header" -> header = value;
                case "file" -> operations.add(file(value));
                case "lfsFile" -> operations.add(largeFile(value));
                case "deletedFile" -> operations.add(new Operation.DeleteFile(path(value)));
                case "deletedFolder" -> operations.add(new Operation.DeleteFolder(path(value)));
                default -> throw HubRefusal.badRequest("unknown operation " + key);
            }
        }

        CommitRequest request() throws HubRefusal {
            if (header == null) {
                throw HubRefusal.badRequest("expected a header, found an empty body");
            }
            String title = JsonBody.text(header, "summary");
            String description = JsonBody.text(header, "description", "");
            if (title.length() > MAX_TITLE || description.length() > MAX_DESCRIPTION) {
                throw HubRefusal.badRequest("expected at most " + MAX_TITLE + " characters of summary and "
                        + MAX_DESCRIPTION + " of description");
            }
            String parent = JsonBody.text(header, "parentCommit", "");
            return new CommitRequest(
                    title, description, Optional.of(parent).filter(commit -> !commit.isEmpty()), operations);
        }

        private Operation file(ObjectNode value) throws IOException {
            String path = path(value);
            byte[] content = content(value);
            if (content.length > LargeFiles.MAX_REGULAR_BYTES) {
                throw HubRefusal.badRequest(path + ": files larger than 10 MiB must be uploaded with git LFS");
            }
            try (PendingFile blob = repository.newBlob()) {
                blob.append(content, content.length);
                repository.publish(blob);
                return new Operation.Put(new HubManifest.Entry(path, blob.bytes(), blob.sha256()));
            }
        }

        private static byte[] content(ObjectNode value) throws HubRefusal {
            String content = JsonBody.text(value, "content");
            return switch (JsonBody.text(value, "encoding", "utf-8")) {
                case "utf-8" -> content.getBytes(StandardCharsets.UTF_8);
                case "base64" -> {
                    try {
                        yield Base64.getDecoder().decode(content);
                    } catch (IllegalArgumentException e) {
                        throw HubRefusal.badRequest("content is not base64: " + e.getMessage());
                    }
                }
                default -> throw HubRefusal.badRequest("expected the encoding utf-8 or base64");
            };
        }

        private Operation largeFile(ObjectNode value) throws IOException {
            String path = path(value);
            String sha256 = JsonBody.text(value, "oid");
            if (!JsonBody.text(value, "algo", "sha256").equals("sha256") || !Hashes.isSha256(sha256)) {
                throw HubRefusal.badRequest(path + ": expected algo sha256 and an oid of 64 hexadecimal digits");
            }
            long bytes = JsonBody.size(value, "size");
            if (!repository.hasBlob(sha256, bytes)) {
                throw HubRefusal.badRequest("LFS pointer pointed to a file that does not exist: " + path + ", " + bytes
                        + " bytes of " + sha256);
            }
            return new Operation.Put(new HubManifest.Entry(path, bytes, sha256));
        }

        private static String path(ObjectNode value) throws HubRefusal {
            String path = JsonBody.text(value, "path");
            String plain = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
            Optional<String> fault = HubManifest.pathFault(plain);
            if (fault.isPresent()) {
                throw HubRefusal.badRequest("the path \"" + path + "\" " + fault.get());
            }
            return plain;
        }
    }
}
