package sn9.metrics;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Rows as lines of JSON at the end of a file: {@code {"kind":"step","step":1,"loss":10.8}}. Every row is handed to the
 * operating system before {@link #row} returns, so a killed process loses none; a line that a crash cut short is closed
 * before the next row is added. Safe to call from any thread.
 */
public final class JsonLinesSink implements MetricsSink {
    private final BufferedWriter writer;

    private JsonLinesSink(BufferedWriter writer) {
        this.writer = writer;
    }

    /** Opens a file to add rows to, with its folders, making what is missing. */
    public static JsonLinesSink append(Path file) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        boolean cut = endsInsideLine(file);
        var writer = Files.newBufferedWriter(
                file, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        if (cut) {
            writer.write('\n');
        }
        return new JsonLinesSink(writer);
    }

    @Override
    public synchronized void row(String kind, Map<String, ?> values) throws IOException {
        var row = new LinkedHashMap<String, Object>();
        row.put("kind", kind);
        row.putAll(values);
        writer.write(FiniteJson.line(row));
        writer.write('\n');
        writer.flush();
    }

    @Override
    public synchronized void close() throws IOException {
        writer.close();
    }

    private static boolean endsInsideLine(Path file) throws IOException {
        if (!Files.exists(file) || Files.size(file) == 0) {
            return false;
        }
        try (var bytes = new RandomAccessFile(file.toFile(), "r")) {
            bytes.seek(bytes.length() - 1);
            return bytes.read() != '\n';
        }
    }
}
