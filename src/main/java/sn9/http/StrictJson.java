package sn9.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import sn9.MalformedDataException;

/** JSON from strangers: one value, no name twice, bounded in depth and in number of tokens. */
public final class StrictJson {
    private static final int MAX_DEPTH = 32;

    /** A tree of JSON takes some 40 bytes of memory a token. */
    private static final long MAX_TOKENS = 2_000_000;

    private static final ObjectMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .maxTokenCount(MAX_TOKENS)
                            .maxNumberLength(100)
                            .maxNameLength(1000)
                            .maxStringLength(Integer.MAX_VALUE)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private StrictJson() {}

    /**
     * Parses bytes whose number the caller has bounded.
     *
     * @param source where they came from, for the message
     * @throws MalformedDataException when they are not one JSON value within the bounds; the text itself is not quoted
     */
    public static JsonNode parse(String source, byte[] bytes) throws MalformedDataException {
        try {
            JsonNode value = JSON.readTree(bytes);
            if (value.isMissingNode()) {
                throw new MalformedDataException(source, 0, "expected JSON, found nothing");
            }
            return value;
        } catch (JsonProcessingException e) {
            var at = e.getLocation();
            throw new MalformedDataException(
                    source,
                    at == null ? -1 : at.getByteOffset(),
                    "expected JSON: " + firstLine(e.getOriginalMessage()));
        } catch (MalformedDataException e) {
            throw e;
        } catch (IOException e) {
            throw new MalformedDataException(source, -1, "expected JSON: " + firstLine(e.getMessage()), e);
        }
    }

    private static String firstLine(String message) {
        String line = message.lines().findFirst().orElse("");
        return line.length() > 200 ? line.substring(0, 200) : line;
    }
}
