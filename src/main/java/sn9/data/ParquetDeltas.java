package sn9.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import sn9.MalformedDataException;

/**
 * Lengths in Parquet's delta encoding (apache/parquet-format:Encodings.md, DELTA_BINARY_PACKED), one at a time: the first
 * value, then blocks of a least difference and bit-packed differences above it. Nothing is allocated by what a header
 * claims.
 */
final class ParquetDeltas {
    private static final int MAX_MINI_BLOCKS = 512;

    private final ByteBuffer bytes;
    private final String source;
    private final int miniBlocks; // in a block
    private final long miniBlockValues;
    private long left; // values not yet given
    private long value; // the next one
    private long least; // difference in the present block
    private final int[] widths;
    private int miniBlock; // the next one in its block
    private long packed; // differences left in the present mini block
    private int width; // of a difference, in bits
    private long bits;
    private int bitCount;

    /** Begins at the position of {@code bytes}, on a view of its own. */
    ParquetDeltas(ByteBuffer bytes, String source) throws IOException {
        this.bytes = bytes.duplicate();
        this.source = source;
        long blockValues = varint();
        long count = varint();
        if (count < 1 || count > MAX_MINI_BLOCKS || blockValues < 1 || blockValues % (8 * count) != 0) {
            throw malformed("blocks of " + blockValues + " values in " + count + " parts");
        }
        this.miniBlocks = (int) count;
        this.miniBlockValues = blockValues / count;
        this.left = varint();
        this.value = zigzag();
        this.widths = new int[miniBlocks];
        this.miniBlock = miniBlocks;
        if (left < 0) {
            throw malformed("a count of " + left);
        }
    }

    /** The next length. */
    int next() throws IOException {
        if (left == 0) {
            throw malformed("fewer lengths than values");
        }
        if (value < 0 || value > Integer.MAX_VALUE) {
            throw malformed("a length of " + value);
        }
        int length = (int) value;
        left--;
        if (left > 0) {
            value += difference();
        }
        return length;
    }

    /** Where the bytes after all lengths begin; the lengths themselves stay where they are. */
    ByteBuffer after() throws IOException {
        ByteBuffer after = bytes.duplicate();
        var walk = new ParquetDeltas(this);
        long rest = left - 1;
        while (rest > 0) {
            walk.beginMiniBlock();
            long size = Math.multiplyHigh(miniBlockValues, walk.width) == 0 ? miniBlockValues / 8 * walk.width : -1;
            if (size < 0 || size > walk.bytes.remaining()) {
                throw malformed("its lengths end early");
            }
            walk.bytes.position(walk.bytes.position() + (int) size);
            rest -= miniBlockValues;
        }
        return after.position(walk.bytes.position()).slice();
    }

    private ParquetDeltas(ParquetDeltas other) {
        this.bytes = other.bytes.duplicate();
        this.source = other.source;
        this.miniBlocks = other.miniBlocks;
        this.miniBlockValues = other.miniBlockValues;
        this.widths = new int[miniBlocks];
        this.miniBlock = miniBlocks;
    }

    /** The difference to the value after. */
    private long difference() throws IOException {
        if (packed == 0) {
            beginMiniBlock();
            packed = miniBlockValues;
        }
        packed--;
        while (bitCount < width) {
            bits |= (long) octet() << bitCount;
            bitCount += 8;
        }
        long above = bits & (1L << width) - 1;
        bits >>>= width;
        bitCount -= width;
        return least + above;
    }

    private void beginMiniBlock() throws IOException {
        if (miniBlock == miniBlocks) {
            least = zigzag();
            for (int i = 0; i < miniBlocks; i++) {
                widths[i] = octet();
            }
            miniBlock = 0;
        }
        width = widths[miniBlock++];
        if (width > 32) {
            throw malformed("differences of " + width + " bits");
        }
        bits = 0;
        bitCount = 0;
    }

    private long zigzag() throws IOException {
        long number = varint();
        return number >>> 1 ^ -(number & 1);
    }

    private long varint() throws IOException {
        long number = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            int b = octet();
            number |= (long) (b & 0x7F) << shift;
            if (b < 0x80) {
                return number;
            }
        }
        throw malformed("a number of more than ten bytes");
    }

    private int octet() throws IOException {
        if (!bytes.hasRemaining()) {
            throw malformed("its lengths end early");
        }
        return bytes.get() & 0xFF;
    }

    private MalformedDataException malformed(String found) {
        return new MalformedDataException(source, -1, "a page in delta encoding is malformed: " + found);
    }
}
