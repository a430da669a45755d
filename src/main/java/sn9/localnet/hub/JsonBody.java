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
import io.javalin.http.Context;
import java.io.CharConversionException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/** JSON that clients send: bounded, without duplicate keys, and each field asked for with its type. */
final class JsonBody {
    /** Most bytes of a body that holds names and hashes only. */
    static final int MAX_BYTES = 4 << 20;

    /** Most characters of one text: a regular file in base64, and some more. */
    private static final int MAX_TEXT = (int) (LargeFiles.MAX_REGULAR_BYTES / 3 * 4) + 4096;

    /** Most bytes of a stream of values. */
    private static final long MAX_STREAM_BYTES = 1L << 30;

    private static final ObjectMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(8)
                            .maxNumberLength(20)
                            .maxNameLength(1000)
                            .maxStringLength(MAX_TEXT)
                            .maxDocumentLength(MAX_STREAM_BYTES)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private JsonBody() {}

    /** Does something with one value of a stream. */
    @FunctionalInterface
    interface Consumer {
        void accept(ObjectNode value) throws IOException;
    }

    /**
     * The one JSON object that a request's body is.
     *
     * @throws HubRefusal 400 when it is none, 413 when it has more than {@code maxBytes}
     */
    static ObjectNode read(Context request, int maxBytes) throws IOException {
        byte[] body = request.bodyInputStream().readNBytes(maxBytes + 1);
        if (body.length > maxBytes) {
            throw new HubRefusal(413, "the body has more than " + maxBytes + " bytes");
        }
        try {
            return object(JSON.readTree(body));
        } catch (JsonProcessingException e) {
            throw HubRefusal.badRequest("the body is not JSON: " + e.getOriginalMessage());
        } catch (CharConversionException e) {
            throw HubRefusal.badRequest("the body is not JSON: " + e.getMessage());
        }
    }

    /** Goes through JSON objects one after another; only one is in memory at a time. */
    static void readEach(InputStream in, Consumer consumer) throws IOException {
        try (var values = JSON.readerFor(JsonNode.class)
                .without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .<JsonNode>readValues(in)) {
            while (values.hasNextValue()) {
                consumer.accept(object(values.nextValue()));
            }
        } catch (JsonProcessingException e) {
            throw HubRefusal.badRequest("the body is not JSON, one value a line: " + e.getOriginalMessage());
        } catch (CharConversionException e) {
            throw HubRefusal.badRequest("the body is not JSON, one value a line: " + e.getMessage());
        }
    }

    private static ObjectNode object(JsonNode value) throws HubRefusal {
        if (value instanceof ObjectNode object) {
            return object;
        }
        throw HubRefusal.badRequest("expected a JSON object, found " + value.getNodeType());
    }

    /** A text that must be there. */
    static String text(JsonNode object, String field) throws HubRefusal {
        JsonNode value = object.path(field);
        if (!value.isTextual()) {
            throw HubRefusal.badRequest("expected the text " + field);
        }
        return value.textValue();
    }

    /** A text, or {@code otherwise} where it is missing or null. */
    static String text(JsonNode object, String field, String otherwise) throws HubRefusal {
        return object.path(field).isMissingNode() || object.path(field).isNull() ? otherwise : text(object, field);
    }

    /** A whole number of 0 or more that must be there. */
    static long size(JsonNode object, String field) throws HubRefusal {
        JsonNode value = object.path(field);
        if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
            throw HubRefusal.badRequest("expected the number " + field + " of 0 or more");
        }
        return value.longValue();
    }

    /** A list of at most that many objects, which must be there. */
    static List<ObjectNode> objects(JsonNode object, String field, int most) throws HubRefusal {
        JsonNode array = object.path(field);
        if (!array.isArray() || array.size() > most) {
            throw HubRefusal.badRequest("expected " + field + ", a list of at most " + most);
        }
        List<ObjectNode> objects = new ArrayList<>();
        for (JsonNode value : array) {
            objects.add(object(value));
        }
        return objects;
    }
}
