package sn9.localnet.hub;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import sn9.MalformedDataException;
import sn9.subnet.RepoFilePath;

/**
 * What a commit of the local Hub holds, as a JSON file whose SHA-1 is the commit's id.
 *
 * @param repoId the repository, {@code namespace/name}
 * @param parent the commit before, empty for the first
 * @param files in order of path
 * @param note what whoever committed said of it; commits made in process have none
 */
record HubManifest(String repoId, Optional<String> parent, List<Entry> files, Optional<Note> note) {
    /**
     * One file.
     *
     * @param path relative, with forward slashes
     * @param bytes its size
     * @param sha256 of its content, 64 lower-case hexadecimal digits
     */
    record Entry(String path, long bytes, String sha256) {}

    /**
     * What is said of a commit.
     *
     * @param title one line
     * @param description more lines, may be empty
     * @param date when it was made, to the millisecond
     */
    record Note(String title, String description, Instant date) {}

    /** Largest manifest that is read or written. */
    static final int MAX_BYTES = 4 << 20;

    /** Most files of a commit. */
    static final int MAX_FILES = 10_000;

    private static final int VERSION = 1;
    private static final int MAX_NOTE_LENGTH = 64 << 10;
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    private static final ObjectMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(4)
                            .maxNumberLength(20)
                            .maxNameLength(100)
                            .maxStringLength(MAX_NOTE_LENGTH)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** A commit of which nothing is said. */
    HubManifest(String repoId, Optional<String> parent, List<Entry> files) {
        this(repoId, parent, files, Optional.empty());
    }

    /** The file at a path. */
    Optional<Entry> file(String path) {
        return files.stream().filter(file -> file.path.equals(path)).findFirst();
    }

    /** Whether a text has the form of a commit id. */
    static boolean isCommit(String text) {
        return COMMIT.matcher(text).matches();
    }

    /** What keeps a path from being a file of a repository; empty when nothing does. */
    static Optional<String> pathFault(String path) {
        return List.of(path.split("/", -1)).contains(".git")
                ? Optional.of("has a step .git")
                : RepoFilePath.fault(path);
    }

    /** The JSON text; equal manifests give equal bytes. */
    byte[] toJson() {
        ObjectNode root = JSON.createObjectNode().put("version", VERSION).put("repository", repoId);
        root.put("parent", parent.orElse(null));
        var array = root.putArray("files");
        for (Entry file : files) {
            array.addObject().put("path", file.path).put("bytes", file.bytes).put("sha256", file.sha256);
        }
        note.ifPresent(said -> root.put("title", said.title)
                .put("description", said.description)
                .put("date", said.date.toString()));
        return (root + "\n").getBytes(StandardCharsets.UTF_8);
    }

    /** The id of the commit with this JSON text. */
    static String commitOf(byte[] json) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(json));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java runtime lacks SHA-1, which every one must have", e);
        }
    }

    /**
     * Reads a JSON text.
     *
     * @param source its name for messages
     * @throws MalformedDataException when it is no manifest, or one whose paths, sizes or hashes break their rules
     */
    static HubManifest parse(String source, byte[] json) throws MalformedDataException {
        JsonNode root;
        try {
            root = JSON.readTree(json);
        } catch (JsonProcessingException e) {
            long offset = e.getLocation() == null ? -1 : e.getLocation().getByteOffset();
            throw new MalformedDataException(source, offset, "not valid JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new MalformedDataException(source, -1, "not valid JSON: " + e.getMessage(), e);
        }
        require(
                source,
                root.path("version").isInt() && root.path("version").intValue() == VERSION,
                "version " + VERSION);
        require(source, root.path("repository").isTextual(), "the text repository");
        JsonNode parent = root.path("parent");
        require(
                source,
                parent.isNull() || parent.isTextual() && isCommit(parent.textValue()),
                "parent: a commit or null");
        require(
                source,
                root.path("files").isArray() && root.path("files").size() <= MAX_FILES,
                "files: a list of at most " + MAX_FILES);
        return new HubManifest(
                root.path("repository").textValue(),
                Optional.ofNullable(parent.textValue()),
                entries(source, root.path("files")),
                note(source, root));
    }

    private static Optional<Note> note(String source, JsonNode root) throws MalformedDataException {
        if (!root.has("title")) {
            return Optional.empty();
        }
        require(source, root.path("title").isTextual(), "a text title");
        require(source, root.path("description").isTextual(), "a text description beside title");
        try {
            Instant date = Instant.parse(root.path("date").asText());
            return Optional.of(new Note(
                    root.path("title").textValue(), root.path("description").textValue(), date));
        } catch (DateTimeParseException e) {
            throw new MalformedDataException(source, -1, "expected a date beside title", e);
        }
    }

    private static List<Entry> entries(String source, JsonNode array) throws MalformedDataException {
        List<Entry> files = new ArrayList<>();
        Set<String> paths = new HashSet<>();
        for (JsonNode node : array) {
            JsonNode path = node.path("path");
            JsonNode bytes = node.path("bytes");
            JsonNode sha256 = node.path("sha256");
            require(
                    source,
                    path.isTextual() && pathFault(path.textValue()).isEmpty(),
                    "a relative path without . or .. for file " + files.size());
            require(source, paths.add(path.textValue()), "every path once, file " + files.size() + " repeats one");
            require(
                    source,
                    bytes.canConvertToLong() && bytes.isIntegralNumber() && bytes.longValue() >= 0,
                    "a size of 0 or more for file " + files.size());
            require(
                    source,
                    sha256.isTextual() && SHA256.matcher(sha256.textValue()).matches(),
                    "a SHA-256 in hexadecimal for file " + files.size());
            files.add(new Entry(path.textValue(), bytes.longValue(), sha256.textValue()));
        }
        return List.copyOf(files);
    }

    private static void require(String source, boolean holds, String expected) throws MalformedDataException {
        if (!holds) {
            throw new MalformedDataException(source, -1, "expected " + expected);
        }
    }
}
