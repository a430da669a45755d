package sn9.chain;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import sn9.MalformedDataException;
import sn9.http.StrictJson;

/**
 * The one commitment that is under way, kept on disk from before it is first sent until its fate is known. Whoever finds
 * one goes on with the very same bytes, which the chain takes once at most.
 */
final class CommitJournal {
    private static final int VERSION = 1;

    private final DurableFile file;

    /**
     * A commitment under way.
     *
     * @param text what is committed
     * @param extrinsic what was, or is about to be, sent
     */
    record Entry(String text, SignedExtrinsic extrinsic) {}

    CommitJournal(Path file) {
        this.file = new DurableFile(file);
    }

    Path path() {
        return file.path();
    }

    Closeable lock(Deadline limit) throws IOException, InterruptedException {
        return file.lock(limit);
    }

    /**
     * The commitment under way, if there is one.
     *
     * @throws MalformedDataException when the file holds something else
     */
    Optional<Entry> read() throws IOException {
        var bytes = file.read();
        if (bytes.isEmpty()) {
            return Optional.empty();
        }
        String source = file.path().toString();
        JsonNode json = StrictJson.parse(source, bytes.get());
        if (json.path("version").asInt() != VERSION || !json.path("text").isTextual()) {
            throw new MalformedDataException(source, -1, "expected a commitment under way, version " + VERSION);
        }
        return Optional.of(new Entry(
                json.get("text").textValue(),
                new SignedExtrinsic(
                        Hex.bytes(source, json.path("extrinsic")),
                        Hex.bytes(source, json.path("signer")),
                        Hex.number(source, json.path("nonce")),
                        Hex.number(source, json.path("birth")),
                        Hex.number(source, json.path("death")),
                        Hex.number(source, json.path("spec_version")))));
    }

    /** Keeps an entry; it is on the disk when this returns. */
    void write(Entry entry) throws IOException {
        var extrinsic = entry.extrinsic();
        String json = JsonNodeFactory.instance
                .objectNode()
                .put("version", VERSION)
                .put("text", entry.text())
                .put("extrinsic", Hex.of(extrinsic.bytes()))
                .put("signer", Hex.of(extrinsic.signer()))
                .put("nonce", extrinsic.nonce())
                .put("birth", extrinsic.birth())
                .put("death", extrinsic.death())
                .put("spec_version", extrinsic.specVersion())
                .toPrettyString();
        file.write(json.getBytes(StandardCharsets.UTF_8));
    }

    /** Nothing is under way any more. */
    void clear() throws IOException {
        file.delete();
    }
}
