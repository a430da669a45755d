package sn9.data;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Arrays;
import sn9.MalformedDataException;

/**
 * A file at a server, read by ranges: a request brings at least {@link #WINDOW_BYTES}, since headers and what follows them
 * are asked for one after the other. An interrupt ends a read in an {@link InterruptedIOException} and stays set.
 */
final class HttpBytes implements RandomBytes {
    /** Bytes of one request, at least: some pages of a parquet file. */
    private static final int WINDOW_BYTES = 1 << 20;

    /** Bytes before the end that come along with it: most footers. */
    private static final int TAIL_BYTES = 1 << 18;

    private final DatasetApi api;
    private final String url;
    private final long size;
    private byte[] window = new byte[0];
    private long begin; // of the window

    HttpBytes(DatasetApi api, String url, long size) {
        this.api = api;
        this.url = url;
        this.size = size;
    }

    @Override
    public String name() {
        return url;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public byte[] read(long position, int length) throws IOException {
        if (position < 0 || length > size - position) {
            throw new MalformedDataException(url, position, "expected " + length + " bytes, its size is " + size);
        }
        if (position < begin || position + length > begin + window.length) {
            begin = position + length == size ? Math.max(0, Math.min(position, size - TAIL_BYTES)) : position;
            window = fetch(begin, (int) Math.min(size - begin, Math.max(position - begin + length, WINDOW_BYTES)));
        }
        int from = (int) (position - begin);
        return Arrays.copyOfRange(window, from, from + length);
    }

    /** Does nothing: no connection is kept. */
    @Override
    public void close() {}

    private byte[] fetch(long from, int length) throws IOException {
        try {
            return api.range(url, from, length);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            var interrupted = new InterruptedIOException(e.getMessage());
            interrupted.initCause(e);
            throw interrupted;
        }
    }
}
