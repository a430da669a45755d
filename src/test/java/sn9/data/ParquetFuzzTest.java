package sn9.data;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import sn9.MalformedDataException;

/**
 * Any bytes are a parquet file or malformed: as a whole file, as its footer, and as the pages of one column chunk. Runs over
 * its inputs as an ordinary test; {@code JAZZER_FUZZ=1} and {@code -Dtest=ParquetFuzzTest#METHOD} search for new ones.
 */
class ParquetFuzzTest {
    private static final int MAX_ROWS_READ = 1000;

    @FuzzTest(maxDuration = "30s")
    void anyBytesAreAFileOrMalformed(byte[] bytes) throws IOException {
        try {
            read(new InMemory(bytes));
        } catch (MalformedDataException e) {
            assertThat(e.getMessage()).startsWith("fuzz").hasSizeLessThan(1000);
        }
    }

    @FuzzTest(maxDuration = "30s")
    void anyBytesAreAFooterOrMalformed(byte[] footer) throws IOException {
        byte[] file = ByteBuffer.allocate(footer.length + 1012)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put("PAR1".getBytes(StandardCharsets.US_ASCII))
                .position(1004)
                .put(footer)
                .putInt(footer.length)
                .put("PAR1".getBytes(StandardCharsets.US_ASCII))
                .array();
        anyBytesAreAFileOrMalformed(file);
    }

    @FuzzTest(maxDuration = "30s")
    void anyBytesAreAColumnOrMalformed(byte[] bytes) throws IOException {
        for (int codec : new int[] {0, 1, 2, 6}) {
            var chunk = new ParquetFile.Chunk(0, 50, 0, bytes.length, codec, bytes.length % 2 == 0);
            try {
                var column = new ParquetColumn(new InMemory(bytes), chunk);
                column.skip(3);
                for (int row = 3; row < 50; row++) {
                    column.next();
                }
            } catch (MalformedDataException e) {
                assertThat(e.getMessage()).startsWith("fuzz").hasSizeLessThan(1000);
            }
        }
    }

    private static void read(RandomBytes file) throws IOException {
        int rows = 0;
        for (ParquetFile.Chunk chunk : ParquetFile.chunks(file)) {
            var column = new ParquetColumn(file, chunk);
            for (long row = 0; row < chunk.rows() && rows < MAX_ROWS_READ; row++, rows++) {
                column.next();
            }
        }
    }

    private record InMemory(byte[] bytes) implements RandomBytes {
        @Override
        public String name() {
            return "fuzz";
        }

        @Override
        public long size() {
            return bytes.length;
        }

        @Override
        public byte[] read(long position, int length) throws IOException {
            if (position < 0 || length > bytes.length - position) {
                throw new MalformedDataException(name(), position, "expected " + length + " more bytes");
            }
            return Arrays.copyOfRange(bytes, (int) position, (int) position + length);
        }

        @Override
        public void close() {}
    }
}
