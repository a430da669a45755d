package sn9.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import sn9.MalformedDataException;

/** Numbers of a fixed width in Parquet's mix of repeated runs and bit-packed groups of eight, one at a time. */
final class ParquetRuns {
    private final ByteBuffer bytes;
    private final int width;
    private final String source;
    private long repeats; // of value
    private int value;
    private long packed; // bit-packed numbers left
    private long bits; // read but not used, lowest first
    private int bitCount;

    ParquetRuns(ByteBuffer bytes, int width, String source) {
        this.bytes = bytes;
        this.width = width;
        this.source = source;
    }

    int next() throws IOException {
        if (repeats == 0 && packed == 0) {
            begin();
        }
        if (repeats > 0) {
            repeats--;
            return value;
        }
        packed--;
        while (bitCount < width) {
            bits |= (long) octet() << bitCount;
            bitCount += 8;
        }
        int number = (int) (bits & (1L << width) - 1);
        bits >>>= width;
        bitCount -= width;
        return number;
    }

    private void begin() throws IOException {
        long head = 0;
        int shift = 0;
        int b;
        do {
            b = octet();
            head |= (long) (b & 0x7F) << shift;
            shift += 7;
        } while (b >= 0x80 && shift < 35);
        bits = 0;
        bitCount = 0;
        if ((head & 1) == 1) {
            packed = (head >>> 1) * 8;
        } else {
            repeats = head >>> 1;
            value = 0;
            for (int i = 0; i < width; i += 8) {
                value |= octet() << i;
            }
        }
        if (repeats == 0 && packed == 0) {
            throw new MalformedDataException(source, -1, "a run of no values");
        }
    }

    private int octet() throws IOException {
        if (!bytes.hasRemaining()) {
            throw new MalformedDataException(source, -1, "a page ends before its values do");
        }
        return bytes.get() & 0xFF;
    }
}
