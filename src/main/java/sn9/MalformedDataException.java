package sn9;

import java.io.IOException;

/**
 * Bytes from elsewhere (a file, a download, a database row) are not what their format demands. The message names the
 * source, the byte offset where known, what was expected and what was found.
 */
public final class MalformedDataException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String source;
    private final long offset;

    /**
     * Reports malformed bytes.
     *
     * @param source where the bytes came from: a path, a repository file, a column
     * @param offset byte offset of the fault in that source, or -1 when it has none
     * @param reason what was expected and what was found
     */
    public MalformedDataException(String source, long offset, String reason) {
        super(text(source, offset, reason));
        this.source = source;
        this.offset = offset;
    }

    /** As {@link #MalformedDataException(String, long, String)}, keeping what a parser said. */
    public MalformedDataException(String source, long offset, String reason, Throwable cause) {
        super(text(source, offset, reason), cause);
        this.source = source;
        this.offset = offset;
    }

    /** Where the bytes came from. */
    public String source() {
        return source;
    }

    /** Byte offset of the fault in the source, or -1. */
    public long offset() {
        return offset;
    }

    private static String text(String source, long offset, String reason) {
        return source + (offset >= 0 ? " at byte " + offset : "") + ": " + reason;
    }
}
