package sn9.http;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.LongConsumer;
import okhttp3.MediaType;
import okhttp3.RequestBody;
import okio.BufferedSink;

/** What a request carries. Its length is known beforehand, and it can be sent again after a failure. */
public final class HttpBody {
    private static final int BUFFER_BYTES = 1 << 17;

    private final RequestBody body;

    private HttpBody(RequestBody body) {
        this.body = body;
    }

    /** Bytes at hand, with their content type. */
    public static HttpBody of(String contentType, byte[] bytes) {
        return new HttpBody(RequestBody.create(bytes, MediaType.get(contentType)));
    }

    /** A JSON value as {@code application/json}. */
    public static HttpBody json(JsonNode value) {
        return of("application/json", value.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** Nothing. */
    public static HttpBody empty() {
        return new HttpBody(RequestBody.create(new byte[0]));
    }

    /**
     * A range of a file, read while it is sent and never held in memory whole. The request fails when the file is shorter.
     *
     * @param offset first byte
     * @param length bytes
     * @param sent is told of bytes that left, from the sending thread; a repeat takes back what it sends again by a
     *     negative number
     */
    public static HttpBody file(Path file, long offset, long length, LongConsumer sent) {
        return new HttpBody(new FileRange(file, offset, length, sent));
    }

    RequestBody toOkHttp() {
        return body;
    }

    private static final class FileRange extends RequestBody {
        private final Path file;
        private final long offset;
        private final long length;
        private final LongConsumer sent;
        private long reported;

        private FileRange(Path file, long offset, long length, LongConsumer sent) {
            this.file = file;
            this.offset = offset;
            this.length = length;
            this.sent = sent;
        }

        @Override
        public MediaType contentType() {
            return null;
        }

        @Override
        public long contentLength() {
            return length;
        }

        @Override
        public void writeTo(BufferedSink sink) throws IOException {
            sent.accept(-reported);
            reported = 0;
            var buffer = ByteBuffer.allocate((int) Math.min(length, BUFFER_BYTES));
            try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
                for (long done = 0; done < length; ) {
                    buffer.clear().limit((int) Math.min(buffer.capacity(), length - done));
                    int n = channel.read(buffer, offset + done);
                    if (n < 0) {
                        throw new EOFException(file + " ends at byte " + (offset + done) + ", expected "
                                + (offset + length) + "; it changed while it was sent");
                    }
                    sink.write(buffer.array(), 0, n);
                    done += n;
                    reported += n;
                    sent.accept(n);
                }
            }
        }
    }
}
