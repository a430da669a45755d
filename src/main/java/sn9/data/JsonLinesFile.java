package sn9.data;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import sn9.MalformedDataException;

/**
 * A {@code .jsonl} file: one JSON object a line, whose string {@code text}, or else {@code content}, is a document. Blank
 * lines are skipped. A line, its strings and its nesting are bounded.
 *
 * @param path where it is
 */
record JsonLinesFile(Path path) implements CorpusFile {
    /** Bytes in one line, at most. */
    static final int MAX_LINE_BYTES = 1 << 24;

    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(64)
                    .maxStringLength(MAX_LINE_BYTES)
                    .maxNameLength(1024)
                    .build())
            .build();

    @Override
    public void index(Index index) throws IOException {
        try (InputStream in = new BufferedInputStream(Files.newInputStream(path), 1 << 16)) {
            byte[] line = new byte[4096];
            long offset = 0;
            for (long number = 1; ; number++) {
                int length = 0;
                int b = in.read();
                if (b < 0) {
                    return;
                }
                for (; b >= 0 && b != '\n'; b = in.read()) {
                    if (length == MAX_LINE_BYTES) {
                        throw new MalformedDataException(
                                path.toString(),
                                offset,
                                "line " + number + " is longer than " + MAX_LINE_BYTES
                                        + " bytes; expected one JSON object a line");
                    }
                    if (length == line.length) {
                        line = Arrays.copyOf(line, 2 * length);
                    }
                    line[length++] = (byte) b;
                }
                if (Rows.skipBlanks(line, 0, length) < length) {
                    index.document(text(line, length, offset, "line " + number), offset, length);
                }
                offset += length + 1L;
            }
        }
    }

    @Override
    public RowReader open() throws IOException {
        FileChannel channel = FileChannel.open(path);
        return new RowReader() {
            private long present = -1;
            private List<String> rows = List.of();

            @Override
            public String row(long position, int length, int part) throws IOException {
                if (position != present) {
                    byte[] line = TextFile.readFully(channel, position, length, path);
                    rows = Rows.of(text(line, length, position, "the line"));
                    present = position;
                }
                if (part >= rows.size()) {
                    throw malformed(position, "the line has changed", null);
                }
                return rows.get(part);
            }

            @Override
            public void close() throws IOException {
                channel.close();
            }
        };
    }

    /** The document of one line. */
    private String text(byte[] line, int length, long offset, String where) throws MalformedDataException {
        String json = Rows.decode(line, 0, length, path.toString(), offset);
        String text = null;
        String content = null;
        try (JsonParser parser = JSON.createParser(json)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw malformed(offset, where + " is not a JSON object", null);
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                JsonToken value = parser.nextToken();
                if (value == JsonToken.VALUE_STRING && name.equals("text")) {
                    text = parser.getText();
                } else if (value == JsonToken.VALUE_STRING && name.equals("content")) {
                    content = parser.getText();
                } else {
                    parser.skipChildren();
                }
            }
            if (parser.nextToken() != null) {
                throw malformed(offset, where + " goes on after its JSON object", null);
            }
        } catch (MalformedDataException e) {
            throw e;
        } catch (JsonProcessingException e) {
            throw malformed(offset, where + " is not valid JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw malformed(offset, where + " cannot be read: " + e.getMessage(), e);
        }
        if (text == null && content == null) {
            throw malformed(offset, where + " has no string \"text\" or \"content\"", null);
        }
        return text == null ? content : text;
    }

    private MalformedDataException malformed(long offset, String found, Exception cause) {
        return new MalformedDataException(
                path.toString(),
                offset,
                found + "; expected one object a line with the document in \"text\" or \"content\"",
                cause);
    }
}
