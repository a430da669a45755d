package sn9.dashboard;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import sn9.MalformedDataException;

/**
 * The losses of one miner's run.
 *
 * @param name what to call it
 * @param training loss of each optimiser step, in order of the file
 * @param heldOut loss on pages that are never trained on
 * @param unreadable lines that hold no row: a crash may cut one short
 */
public record TrainingRun(String name, List<Point> training, List<Point> heldOut, int unreadable) {
    /** A million steps take some 200 MB. */
    private static final long MAX_BYTES = 1L << 28;

    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * Reads a run's {@code metrics.jsonl}. Rows of other kinds and losses that are not finite are passed over.
     *
     * @throws MalformedDataException when the file is larger than any run's
     */
    public static TrainingRun read(String name, Path metrics) throws IOException {
        long bytes = Files.size(metrics);
        if (bytes > MAX_BYTES) {
            throw new MalformedDataException(
                    metrics.toString(), MAX_BYTES, "expected at most " + MAX_BYTES + " bytes, found " + bytes);
        }
        var training = new ArrayList<Point>();
        var heldOut = new ArrayList<Point>();
        int unreadable = 0;
        // A cut or damaged line must not hide the others, so neither may a byte that is not UTF-8.
        var decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPLACE)
                .onUnmappableCharacter(CodingErrorAction.REPLACE);
        try (var lines = new BufferedReader(new InputStreamReader(Files.newInputStream(metrics), decoder))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                var row = row(line);
                if (row.isEmpty()) {
                    unreadable++;
                    continue;
                }
                var points =
                        switch (row.get().path("kind").asText()) {
                            case "step" -> training;
                            case "held_out" -> heldOut;
                            default -> null;
                        };
                var step = row.get().path("step");
                var loss = row.get().path("loss");
                if (points != null && step.canConvertToLong() && loss.isNumber() && Double.isFinite(loss.asDouble())) {
                    points.add(new Point(step.asLong(), loss.asDouble()));
                }
            }
        }
        return new TrainingRun(name, List.copyOf(training), List.copyOf(heldOut), unreadable);
    }

    private static Optional<JsonNode> row(String line) {
        try {
            var row = JSON.readTree(line);
            return row.isObject() ? Optional.of(row) : Optional.empty();
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }

    /** The lowest held-out loss, if one was measured. */
    public Optional<Point> best() {
        return heldOut.stream().min(Comparator.comparingDouble(Point::loss));
    }

    /** The number of the last optimiser step, 0 before the first. */
    public long steps() {
        return training.isEmpty() ? 0 : training.getLast().step();
    }
}
