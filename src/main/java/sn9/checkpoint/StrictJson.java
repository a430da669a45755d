package sn9.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import sn9.MalformedDataException;

/** JSON from strangers: UTF-8 only, no duplicate keys, nothing after the value, and a bound on every dimension. */
final class StrictJson {
    private static final int SHOWN_CHARACTERS = 80;

    private StrictJson() {}

    /** A parser factory that refuses duplicate keys and whatever exceeds the bounds. */
    static JsonFactory factory(StreamReadConstraints bounds) {
        return JsonFactory.builder()
                .streamReadConstraints(bounds)
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
                .disable(
                        JsonFactory.Feature
                                .INTERN_FIELD_NAMES) // a stranger's names have no business in the string pool
                .disable(JsonFactory.Feature.CHARSET_DETECTION) // UTF-8 is checked beforehand
                .build();
    }

    /**
     * Reads a whole file as one JSON object.
     *
     * @param bounds whose {@code maxDocumentLength} also bounds the file, in bytes
     * @throws MalformedDataException when it is too long, not UTF-8, not JSON, or not an object
     */
    static ObjectNode readObject(Path file, StreamReadConstraints bounds) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new MalformedDataException(
                    file.toString(), -1, Files.exists(file) ? "expected a regular file" : "no such file");
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            if (size > bounds.getMaxDocumentLength()) {
                throw new MalformedDataException(
                        file.toString(),
                        -1,
                        "expected at most " + bounds.getMaxDocumentLength() + " bytes of JSON, found " + size);
            }
            ByteBuffer bytes = ByteBuffer.allocate((int) size);
            while (bytes.hasRemaining() && channel.read(bytes) >= 0) {
                // A read may bring less than asked for.
            }
            return readObject(file.toString(), bytes.flip(), bounds);
        }
    }

    /** As {@link #readObject(Path, StreamReadConstraints)}, from array-backed bytes already in memory. */
    static ObjectNode readObject(String source, ByteBuffer bytes, StreamReadConstraints bounds)
            throws MalformedDataException {
        checkUtf8(source, 0, bytes);
        ObjectMapper mapper = JsonMapper.builder(factory(bounds))
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .build();
        JsonNode tree;
        try {
            tree = mapper.readTree(bytes.array(), bytes.arrayOffset() + bytes.position(), bytes.remaining());
        } catch (JsonProcessingException e) {
            throw malformed(source, 0, e);
        } catch (IOException e) {
            throw new MalformedDataException(source, -1, "not JSON: " + e.getMessage(), e);
        }
        if (tree instanceof ObjectNode object) {
            return object;
        }
        throw new MalformedDataException(source, -1, "expected a JSON object, found " + tree.getNodeType());
    }

    /**
     * Checks that bytes are well-formed UTF-8.
     *
     * @param base offset of {@code bytes} in the source, for the message
     */
    static void checkUtf8(String source, long base, ByteBuffer bytes) throws MalformedDataException {
        ByteBuffer rest = bytes.duplicate();
        var decoder = StandardCharsets.UTF_8.newDecoder();
        CharBuffer characters = CharBuffer.allocate(4096);
        CoderResult result;
        do {
            result = decoder.decode(rest, characters.clear(), true);
            if (result.isError()) {
                throw new MalformedDataException(source, base + rest.position() - bytes.position(), "not UTF-8");
            }
        } while (result.isOverflow());
    }

    /**
     * Turns a parser's complaint into ours.
     *
     * @param base offset of the parser's first byte in the source
     */
    static MalformedDataException malformed(String source, long base, JsonProcessingException e) {
        long offset = e.getLocation() == null ? -1 : e.getLocation().getByteOffset();
        return new MalformedDataException(
                source, offset < 0 ? -1 : base + offset, "not the JSON expected: " + shown(e.getOriginalMessage()), e);
    }

    /** As above, for a fault that only we see. */
    static MalformedDataException malformed(String source, long base, JsonParser parser, String reason) {
        long offset = parser.currentTokenLocation().getByteOffset();
        return new MalformedDataException(source, offset < 0 ? -1 : base + offset, reason);
    }

    /** A stranger's text as it may stand in a message: short, and without control characters. */
    static String shown(String text) {
        var result = new StringBuilder();
        text.codePoints()
                .limit(SHOWN_CHARACTERS)
                .map(c -> Character.isISOControl(c) || !Character.isDefined(c) ? '?' : c)
                .forEach(result::appendCodePoint);
        return text.length() > SHOWN_CHARACTERS ? result + "..." : result.toString();
    }
}
