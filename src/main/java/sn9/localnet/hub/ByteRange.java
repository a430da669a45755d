package sn9.localnet.hub;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which bytes of a file are asked for (RFC 9110, 14.1.2).
 *
 * @param from the first, from 0
 * @param to behind the last; {@code from} itself when the range lies outside the file
 */
record ByteRange(long from, long to) {
    private static final Pattern FORM = Pattern.compile("bytes=(\\d{0,18})-(\\d{0,18})");

    /**
     * Reads a {@code Range} header.
     *
     * @param header may be null
     * @param size of the file
     * @return empty when the whole file is to be sent: without a header, and with one that is malformed or lists several
     *     ranges, which a server may ignore
     */
    static Optional<ByteRange> parse(String header, long size) {
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
    boolean isOutside() {
        return from == to;
    }

    long bytes() {
        return to - from;
    }
}
