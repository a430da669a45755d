package sn9.localnet;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which bytes of a file are asked for (RFC 9110, 14.1.2).
 *
 * @param from the first, from 0
 * @param to behind the last; {@code from} itself when the range lies outside the file
 */
public record ByteRange(long from, long to) {
    private static final int BUFFER_BYTES = 256 << 10;

    private static final Pattern FORM = Pattern.compile("bytes=(\\d{0,18})-(\\d{0,18})");

    /**
     * Reads a {@code Range} header.
     *
     * @param header may be null
     * @param size of the file
     * @return empty when the whole file is to be sent: without a header, and with one that is malformed or lists several
     *     ranges, which a server may ignore
     */
    public static Optional<ByteRange> parse(String header, long size) {
        Matcher matcher = FORM.matcher(header == null ? "" : header.replace(" ", ""));
        if (!matcher.matches() || matcher.group(1).isEmpty() && matcher.group(2).isEmpty()) {
            return Optional.empty();
        }
        if (matcher.group(1).isEmpty()) {
            long suffix = Long.parseLong(matcher.group(2));
            return Optional.of(new ByteRange(Math.max(0, size - suffix), size));
        }
        long first = Long.parseLong(matcher.group(1));
        long last = matcher.group(2).isEmpty() ? size - 1 : Long.parseLong(matcher.group(2));
        if (!matcher.group(2).isEmpty() && last < first) {
            return Optional.empty();
        }
        return Optional.of(first >= size ? new ByteRange(size, size) : new ByteRange(first, Math.min(last + 1, size)));
    }

    /** Whether no byte of it lies inside the file. */
    public boolean isOutside() {
        return from == to;
    }

    /** How many bytes it has. */
    public long bytes() {
        return to - from;
    }

    /** The {@code Content-Range} of an answer that is this part of a file. */
    public String contentRange(long size) {
        return "bytes " + from + "-" + (to - 1) + "/" + size;
    }

    /**
     * Sends these bytes of a file, of which no more than a buffer is in memory.
     *
     * @throws IOException when the file has become shorter, or the receiver is gone
     */
    public void copy(FileChannel file, OutputStream out) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(BUFFER_BYTES, Math.max(1, bytes())));
        for (long at = from; at < to; ) {
            buffer.clear().limit((int) Math.min(buffer.capacity(), to - at));
            int n = file.read(buffer, at);
            if (n < 0) {
                throw new IOException("a file became shorter than " + to + " bytes while it was sent");
            }
            out.write(buffer.array(), 0, n);
            at += n;
        }
    }
}
