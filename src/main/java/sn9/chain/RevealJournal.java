package sn9.chain;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import sn9.MalformedDataException;
import sn9.http.StrictJson;

/** Committed weights with their salts, kept on disk from before the commit is sent until they are revealed. */
final class RevealJournal {
    private static final int VERSION = 1;

    private final DurableFile file;

    RevealJournal(Path file) {
        this.file = new DurableFile(file);
    }

    Path path() {
        return file.path();
    }

    Closeable lock(Deadline limit) throws IOException, InterruptedException {
        return file.lock(limit);
    }

    /** What waits to be revealed, in the order it was committed. */
    List<WeightCommit> read() throws IOException {
        var bytes = file.read();
        if (bytes.isEmpty()) {
            return List.of();
        }
        String source = file.path().toString();
        JsonNode json = StrictJson.parse(source, bytes.get());
        if (json.path("version").asInt() != VERSION) {
            throw new MalformedDataException(source, -1, "expected committed weights, version " + VERSION);
        }
        var commits = new ArrayList<WeightCommit>();
        for (JsonNode entry : json.path("commits")) {
            commits.add(new WeightCommit(
                    numbers(source, entry.path("uids")),
                    numbers(source, entry.path("values")),
                    numbers(source, entry.path("salt")),
                    Hex.number(source, entry.path("version_key")),
                    Hex.number(source, entry.path("death"))));
        }
        return commits;
    }

    /** Replaces what waits; it is on the disk when this returns. */
    void write(List<WeightCommit> commits) throws IOException {
        ArrayNode entries = JsonNodeFactory.instance.arrayNode();
        for (var commit : commits) {
            var entry = entries.addObject();
            entry.set("uids", array(commit.uids()));
            entry.set("values", array(commit.values()));
            entry.set("salt", array(commit.salt()));
            entry.put("version_key", commit.versionKey()).put("death", commit.death());
        }
        var json = JsonNodeFactory.instance.objectNode().put("version", VERSION);
        json.set("commits", entries);
        file.write(json.toPrettyString().getBytes(StandardCharsets.UTF_8));
    }

    private static ArrayNode array(int[] numbers) {
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        for (int number : numbers) {
            array.add(number);
        }
        return array;
    }

    private static int[] numbers(String source, JsonNode array) throws MalformedDataException {
        int[] numbers = new int[array.size()];
        for (int i = 0; i < numbers.length; i++) {
            long number = Hex.number(source, array.get(i));
            if (number > 65_535) {
                throw new MalformedDataException(source, -1, "expected a u16, found " + number);
            }
            numbers[i] = (int) number;
        }
        return numbers;
    }
}
