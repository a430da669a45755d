package sn9.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import sn9.MalformedDataException;

/** The values of one page of byte arrays, one at a time (apache/parquet-format:Encodings.md). */
sealed interface ParquetValues {
    /** The next value; its bytes lie in an array. */
    ByteBuffer next() throws IOException;

    /**
     * Begins to read values.
     *
     * @param encoding Parquet's number: plain 0, dictionary 2 and 8, delta length 6, delta 7
     * @param bytes the values of one page, little endian
     * @param dictionary the entries that dictionary encoding points to
     * @throws MalformedDataException when the encoding is another, or its first bytes are malformed
     */
    static ParquetValues of(long encoding, ByteBuffer bytes, ByteBuffer[] dictionary, String source)
            throws IOException {
        return switch ((int) encoding) {
            case 0 -> new Plain(bytes, source);
            case 2, 8 -> Entries.of(bytes, dictionary, source);
            case 6 -> DeltaLength.of(bytes, source);
            case 7 -> new Delta(bytes, source);
            default ->
                throw new MalformedDataException(
                        source,
                        -1,
                        "its text column has encoding " + encoding
                                + ", expected plain (0), dictionary (2, 8) or delta (6, 7)");
        };
    }

    /** A value that its length of four bytes precedes; {@code bytes} moves on. */
    static ByteBuffer sized(ByteBuffer bytes, String source) throws IOException {
        return take(bytes, bytes.remaining() < 4 ? -1 : bytes.getInt(), source);
    }

    private static ByteBuffer take(ByteBuffer bytes, int length, String source) throws IOException {
        if (length < 0 || length > bytes.remaining()) {
            throw new MalformedDataException(
                    source, -1, "a value of " + length + " bytes in a page with " + bytes.remaining() + " bytes left");
        }
        ByteBuffer value = bytes.slice(bytes.position(), length);
        bytes.position(bytes.position() + length);
        return value;
    }

    /** Length and bytes, value by value. */
    record Plain(ByteBuffer bytes, String source) implements ParquetValues {
        @Override
        public ByteBuffer next() throws IOException {
            return sized(bytes, source);
        }
    }

    /** Numbers of dictionary entries. */
    record Entries(ParquetRuns indexes, ByteBuffer[] dictionary, String source) implements ParquetValues {
        private static Entries of(ByteBuffer bytes, ByteBuffer[] dictionary, String source) throws IOException {
            int width = bytes.hasRemaining() ? bytes.get() & 0xFF : 0;
            if (width > 32) {
                throw new MalformedDataException(
                        source, -1, "dictionary indexes of " + width + " bits, expected at most 32");
            }
            return new Entries(new ParquetRuns(bytes, width, source), dictionary, source);
        }

        @Override
        public ByteBuffer next() throws IOException {
            int index = indexes.next();
            if (index < 0 || index >= dictionary.length) {
                throw new MalformedDataException(
                        source, -1, "a value is entry " + index + " of a dictionary of " + dictionary.length);
            }
            return dictionary[index];
        }
    }

    /** All lengths, then all bytes. */
    record DeltaLength(ParquetDeltas lengths, ByteBuffer bytes, String source) implements ParquetValues {
        private static DeltaLength of(ByteBuffer bytes, String source) throws IOException {
            var lengths = new ParquetDeltas(bytes, source);
            return new DeltaLength(lengths, lengths.after(), source);
        }

        @Override
        public ByteBuffer next() throws IOException {
            return take(bytes, lengths.next(), source);
        }
    }

    /** How many bytes each value shares with the one before, then the rest of each. */
    final class Delta implements ParquetValues {
        private final ParquetDeltas shared;
        private final DeltaLength rests;
        private final String source;
        private byte[] before = new byte[0];

        private Delta(ByteBuffer bytes, String source) throws IOException {
            this.shared = new ParquetDeltas(bytes, source);
            this.rests = DeltaLength.of(shared.after(), source);
            this.source = source;
        }

        @Override
        public ByteBuffer next() throws IOException {
            int prefix = shared.next();
            ByteBuffer rest = rests.next();
            if (prefix > before.length || prefix > ParquetColumn.MAX_PAGE_BYTES - rest.remaining()) {
                throw new MalformedDataException(
                        source, -1, "a value shares " + prefix + " bytes with one of " + before.length);
            }
            byte[] value = Arrays.copyOf(before, prefix + rest.remaining());
            rest.get(value, prefix, rest.remaining());
            before = value;
            return ByteBuffer.wrap(value);
        }
    }
}
