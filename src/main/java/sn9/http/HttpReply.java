package sn9.http;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import okhttp3.Response;
import sn9.MalformedDataException;

/** An answer that was read whole, within the bound its asker set. */
public final class HttpReply {
    private final int status;
    private final HttpHeaders headers;
    private final String source;
    private final byte[] body;

    private HttpReply(int status, HttpHeaders headers, String source, byte[] body) {
        this.status = status;
        this.headers = headers;
        this.source = source;
        this.body = body;
    }

    /** Reads an answer whole and closes it; what it takes uncompressed counts. */
    static HttpReply read(Response response, int maxBytes) throws IOException {
        String source = Origin.shown(response.request().url());
        try (response) {
            var body = response.body();
            boolean sized = !response.request().method().equals("HEAD");
            if (sized && body.contentLength() > maxBytes) {
                throw tooLarge(source, maxBytes, Long.toString(body.contentLength()));
            }
            byte[] bytes = body.byteStream().readNBytes(maxBytes + 1);
            if (bytes.length > maxBytes) {
                throw tooLarge(source, maxBytes, "more");
            }
            return new HttpReply(response.code(), new HttpHeaders(response.headers()), source, bytes);
        }
    }

    /** What is left of an answer opened as a stream, read whole; the stream stays its owner's to close. */
    public static HttpReply of(HttpStream stream, int maxBytes) throws IOException {
        byte[] bytes = stream.body().readNBytes(maxBytes);
        return new HttpReply(stream.status(), stream.headers(), stream.source(), bytes);
    }

    private static MalformedDataException tooLarge(String source, int maxBytes, String found) {
        return new MalformedDataException(
                source, maxBytes, "expected an answer of at most " + maxBytes + " bytes, found " + found);
    }

    /** The status code. */
    public int status() {
        return status;
    }

    /** Whether the status is 200 to 299. */
    public boolean isSuccess() {
        return status >= 200 && status <= 299;
    }

    /** The headers of the answer. */
    public HttpHeaders headers() {
        return headers;
    }

    /** Address that answered, without query: where to say this came from. */
    public String source() {
        return source;
    }

    /** A copy of the body. */
    public byte[] bytes() {
        return body.clone();
    }

    /** The body as UTF-8; what is no UTF-8 becomes U+FFFD. */
    public String text() {
        return new String(body, StandardCharsets.UTF_8);
    }

    /**
     * The body as one JSON value.
     *
     * @throws MalformedDataException when it is anything else, or one built to exhaust its reader
     */
    public JsonNode json() throws MalformedDataException {
        return StrictJson.parse(source, body);
    }

    @Override
    public String toString() {
        return status + " from " + source + ", " + body.length + " bytes";
    }
}
