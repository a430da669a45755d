package sn9.data;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;
import org.xerial.snappy.Snappy;
import sn9.MalformedDataException;

/**
 * The strings of one column chunk, in order. Holds one page and the dictionary; pages that are skipped whole are not even
 * unpacked. Understands data pages of both versions, all encodings of {@link ParquetValues}, and the codecs none, snappy,
 * gzip and zstd: what writers use for text.
 */
final class ParquetColumn {
    /** Bytes of one page before or after unpacking, at most; writers aim at one MiB. */
    static final int MAX_PAGE_BYTES = 1 << 26;

    /** Bytes within which a page header must end; it may carry a longest and a shortest value. */
    private static final int MAX_HEADER_BYTES = 1 << 16;

    private final RandomBytes file;
    private final ParquetFile.Chunk chunk;
    private long position; // of the next page header
    private ByteBuffer[] dictionary = new ByteBuffer[0];

    private int left; // values of the present page not yet given
    private ParquetRuns present; // 1 for a value, 0 for a null; null when every row has a value
    private ParquetValues values;

    ParquetColumn(RandomBytes file, ParquetFile.Chunk chunk) {
        this.file = file;
        this.chunk = chunk;
        this.position = chunk.begin();
    }

    /** The next row's text; empty for a null. */
    String next() throws IOException {
        while (left == 0) {
            readPage(0);
        }
        ByteBuffer value = nextValue();
        return value == null ? "" : decode(value);
    }

    /** Passes over rows. */
    void skip(long rows) throws IOException {
        while (rows > 0) {
            if (left == 0) {
                rows -= readPage(rows);
            } else {
                nextValue();
                rows--;
            }
        }
    }

    private ByteBuffer nextValue() throws IOException {
        left--;
        if (present != null && present.next() == 0) {
            return null;
        }
        return values.next();
    }

    /**
     * Reads the next page, or passes over it when it has no more values than {@code skippable}.
     *
     * @return how many values were passed over
     */
    private int readPage(long skippable) throws IOException {
        if (position >= chunk.end()) {
            throw malformed("its text column ends before its " + chunk.rows() + " rows do");
        }
        int headerLimit = (int) Math.min(MAX_HEADER_BYTES, chunk.end() - position);
        ByteBuffer in = ByteBuffer.wrap(file.read(position, headerLimit));
        ThriftStruct header = ThriftStruct.read(in, file.name());
        long body = position + in.position();
        int unpacked = header.size(2, MAX_PAGE_BYTES, "the size of a page");
        int packed = header.size(3, (int) Math.min(MAX_PAGE_BYTES, chunk.end() - body), "the packed size of a page");
        position = body + packed;
        switch ((int) header.number(1)) {
            case 0 -> {
                ThriftStruct page = header.struct(5);
                int count = page.size(1, Integer.MAX_VALUE, "the number of values of a page");
                if (count <= skippable) {
                    return count;
                }
                beginV1(page, unpack(file.read(body, packed), unpacked));
                left = count;
            }
            case 2 -> readDictionary(header.struct(7), unpack(file.read(body, packed), unpacked));
            case 3 -> {
                ThriftStruct page = header.struct(8);
                int count = page.size(1, Integer.MAX_VALUE, "the number of values of a page");
                if (count <= skippable) {
                    return count;
                }
                beginV2(page, file.read(body, packed), unpacked);
                left = count;
            }
            default -> {
                // An index page: nothing for us.
            }
        }
        return 0;
    }

    private void beginV1(ThriftStruct page, ByteBuffer bytes) throws IOException {
        present = null;
        if (chunk.optional()) {
            present = new ParquetRuns(ParquetValues.sized(bytes, file.name()), 1, file.name());
        }
        beginValues(page.number(2), bytes);
    }

    private void beginV2(ThriftStruct page, byte[] packed, int unpacked) throws IOException {
        int levels = page.size(5, packed.length, "the size of a page's levels");
        int repetitions = page.size(6, packed.length - levels, "the size of a page's repetitions");
        present = chunk.optional()
                ? new ParquetRuns(ByteBuffer.wrap(packed).slice(repetitions, levels), 1, file.name())
                : null;
        int before = levels + repetitions;
        byte[] values = Arrays.copyOfRange(packed, before, packed.length);
        boolean isPacked = page.flag(7, true) && values.length > 0;
        if (unpacked < before) {
            throw malformed("a page of " + unpacked + " bytes has levels of " + before);
        }
        beginValues(page.number(4), isPacked ? unpack(values, unpacked - before) : littleEndian(values));
    }

    private void beginValues(long encoding, ByteBuffer bytes) throws IOException {
        values = ParquetValues.of(encoding, bytes, dictionary, file.name());
    }

    private void readDictionary(ThriftStruct page, ByteBuffer bytes) throws IOException {
        // Each entry takes its four bytes of length or more.
        var entries = new ByteBuffer[page.size(1, bytes.remaining() / 4, "the number of dictionary entries")];
        for (int i = 0; i < entries.length; i++) {
            entries[i] = ParquetValues.sized(bytes, file.name());
        }
        dictionary = entries;
    }

    private String decode(ByteBuffer value) throws IOException {
        return Rows.decode(value.array(), value.arrayOffset() + value.position(), value.remaining(), file.name(), -1);
    }

    private ByteBuffer unpack(byte[] packed, int size) throws IOException {
        byte[] bytes =
                switch (chunk.codec()) {
                    case 0 -> packed;
                    case 1 -> snappy(packed, size);
                    case 2 -> gzip(packed, size);
                    case 6 -> zstd(packed, size);
                    default ->
                        throw malformed("its text column is packed by codec " + chunk.codec()
                                + ", expected none (0), snappy (1), gzip (2) or zstd (6)");
                };
        if (bytes.length != size) {
            throw malformed("a page unpacks to " + bytes.length + " bytes, its header says " + size);
        }
        return littleEndian(bytes);
    }

    private byte[] snappy(byte[] packed, int size) throws IOException {
        try {
            if (Snappy.uncompressedLength(packed) != size) {
                throw malformed("a page's snappy length is not the " + size + " bytes of its header");
            }
            return Snappy.uncompress(packed);
        } catch (MalformedDataException e) {
            throw e;
        } catch (IOException e) {
            throw new MalformedDataException(file.name(), -1, "a page is no valid snappy data", e);
        }
    }

    private byte[] gzip(byte[] packed, int size) throws IOException {
        try (var in = new GZIPInputStream(new ByteArrayInputStream(packed))) {
            byte[] bytes = in.readNBytes(size);
            return in.read() < 0 ? bytes : new byte[size + 1];
        } catch (IOException e) {
            throw new MalformedDataException(file.name(), -1, "a page is no valid gzip data", e);
        }
    }

    private byte[] zstd(byte[] packed, int size) throws IOException {
        try {
            return Zstd.decompress(packed, size);
        } catch (ZstdException e) {
            throw new MalformedDataException(file.name(), -1, "a page is no valid zstd data", e);
        }
    }

    private static ByteBuffer littleEndian(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private MalformedDataException malformed(String reason) {
        return new MalformedDataException(file.name(), -1, reason);
    }
}
