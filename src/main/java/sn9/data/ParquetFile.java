package sn9.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import sn9.MalformedDataException;

/**
 * A {@code .parquet} file whose column {@code text}, or else {@code content}, holds one document a row
 * (apache/parquet-format:README.md). Reads only that column, page by page.
 *
 * <p>This is our own reader because the file may come from anyone: the usual library allocates what dictionary sizes,
 * run lengths and delta headers claim, which a few altered bytes turn into an {@code OutOfMemoryError}. Here every size
 * is held against the bytes that are there.
 *
 * @param path where it is
 */
record ParquetFile(Path path) implements CorpusFile {
    private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);
    private static final int MAX_FOOTER_BYTES = 1 << 24;

    /** Rows in one file, at most: runs of nulls take no bytes, only time. */
    private static final long MAX_ROWS = 200_000_000;

    /** The physical type BYTE_ARRAY. */
    private static final long BYTE_ARRAY = 6;

    /** The repetition types REQUIRED and OPTIONAL; anything above repeats. */
    private static final long OPTIONAL = 1;

    /**
     * The text column of one row group.
     *
     * @param firstRow number of its first row in the file
     * @param rows how many rows it has
     * @param begin where its first page begins
     * @param end where its last page ends
     * @param codec compression, by Parquet's number
     * @param optional whether rows may be null
     */
    record Chunk(long firstRow, long rows, long begin, long end, int codec, boolean optional) {}

    @Override
    public void index(Index index) throws IOException {
        try (RandomBytes file = RandomBytes.of(path)) {
            for (Chunk chunk : chunks(file)) {
                var column = new ParquetColumn(file, chunk);
                for (long row = 0; row < chunk.rows; row++) {
                    index.document(column.next(), chunk.firstRow + row, 0);
                }
            }
        }
    }

    @Override
    public RowReader open() throws IOException {
        RandomBytes file = RandomBytes.of(path);
        try {
            return new Reader(file, chunks(file));
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    /** Reads rows again, forward within a row group; going back begins the group anew. */
    private static final class Reader implements RowReader {
        private final RandomBytes file;
        private final List<Chunk> chunks;
        private Chunk chunk;
        private ParquetColumn column;
        private long next; // number of the row that column.next() gives
        private List<String> rows = List.of(); // of row next - 1

        private Reader(RandomBytes file, List<Chunk> chunks) {
            this.file = file;
            this.chunks = chunks;
        }

        @Override
        public String row(long position, int length, int part) throws IOException {
            if (column == null || position != next - 1) {
                seek(position);
                rows = Rows.of(column.next());
                next++;
            }
            if (part >= rows.size()) {
                throw malformed(file, "row " + position + " has changed");
            }
            return rows.get(part);
        }

        private void seek(long position) throws IOException {
            if (column == null || position < next || position >= chunk.firstRow + chunk.rows) {
                chunk = null;
                for (Chunk each : chunks) {
                    if (position >= each.firstRow && position < each.firstRow + each.rows) {
                        chunk = each;
                    }
                }
                if (chunk == null) {
                    throw malformed(file, "row " + position + " is gone");
                }
                column = new ParquetColumn(file, chunk);
                next = chunk.firstRow;
            }
            column.skip(position - next);
            next = position;
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }

    /** Reads the footer: where the text column of each row group is. Groups without rows are left out. */
    static List<Chunk> chunks(RandomBytes file) throws IOException {
        long size = file.size();
        ThriftStruct footer = footer(file, size);
        boolean optional = false;
        int leaf = -1;
        List<Leaf> leaves = leaves(footer, file);
        for (int i = 0; i < leaves.size(); i++) {
            Leaf each = leaves.get(i);
            if (each.name.equals("text") || leaf < 0 && each.name.equals("content")) {
                leaf = i;
                optional = each.optional;
            }
        }
        if (leaf < 0) {
            throw malformed(
                    file, "expected a plain column \"text\" or \"content\" of strings, found none; rename the column");
        }
        var chunks = new ArrayList<Chunk>();
        long firstRow = 0;
        for (ThriftStruct group : footer.structs(4)) {
            List<ThriftStruct> columns = group.structs(1);
            long rows = group.number(3);
            if (columns.size() <= leaf || rows < 0 || rows > MAX_ROWS - firstRow) {
                throw malformed(
                        file,
                        "a row group has " + columns.size() + " columns and " + rows + " rows;"
                                + " expected a column for each of the schema and at most " + MAX_ROWS
                                + " rows in the file");
            }
            Chunk chunk = chunk(columns.get(leaf), firstRow, rows, optional, file, size);
            if (rows > 0) {
                chunks.add(chunk);
            }
            firstRow += rows;
        }
        return chunks;
    }

    private static Chunk chunk(
            ThriftStruct column, long firstRow, long rows, boolean optional, RandomBytes file, long size)
            throws IOException {
        ThriftStruct meta = column.struct(3);
        long values = meta.number(5);
        long length = meta.number(7);
        long data = meta.number(9);
        long dictionary = meta.optionalNumber(11).orElse(0L);
        long begin = dictionary > 0 ? Math.min(dictionary, data) : data;
        if (meta.number(1) != BYTE_ARRAY || values != rows) {
            throw malformed(
                    file,
                    "its text column has " + values + " values of type " + meta.number(1) + " in a group of " + rows
                            + " rows; expected one string a row");
        }
        if (begin < MAGIC.length || length < 0 || length > size - begin) {
            throw malformed(file, "its text column lies at bytes " + begin + " + " + length + " of a file of " + size);
        }
        return new Chunk(firstRow, rows, begin, begin + length, meta.size(4, 7, "codec"), optional);
    }

    private static ThriftStruct footer(RandomBytes file, long size) throws IOException {
        int tail = 4 + MAGIC.length;
        if (size < MAGIC.length + tail) {
            throw malformed(file, "expected a Parquet file, found " + size + " bytes");
        }
        ByteBuffer end = ByteBuffer.wrap(file.read(size - tail, tail)).order(ByteOrder.LITTLE_ENDIAN);
        long length = end.getInt() & 0xFFFFFFFFL;
        if (end.compareTo(ByteBuffer.wrap(MAGIC)) != 0) {
            throw malformed(file, "expected a Parquet file, but it does not end with PAR1 (is it cut or encrypted?)");
        }
        if (length > MAX_FOOTER_BYTES || length > size - tail - MAGIC.length) {
            throw malformed(
                    file,
                    "its footer claims " + length + " bytes, expected at most "
                            + Math.min(MAX_FOOTER_BYTES, size - tail - MAGIC.length));
        }
        byte[] footer = file.read(size - tail - length, (int) length);
        return ThriftStruct.read(ByteBuffer.wrap(footer), file.name());
    }

    /** A column of the schema: its name when it is a plain string column of the top level, else an empty one. */
    private record Leaf(String name, boolean optional) {}

    /** The leaves of the schema in the order in which row groups list their columns. */
    private static List<Leaf> leaves(ThriftStruct footer, RandomBytes file) throws IOException {
        List<ThriftStruct> schema = footer.structs(2);
        var leaves = new ArrayList<Leaf>();
        if (schema.isEmpty()) {
            throw malformed(file, "its schema is empty");
        }
        long pending = 0; // elements still owed to groups below the top level
        for (ThriftStruct element : schema.subList(1, schema.size())) {
            boolean top = pending == 0;
            long children = element.optionalNumber(5).orElse(0L);
            if (children < 0 || children > schema.size()) {
                throw malformed(file, "a group of its schema has " + children + " children");
            }
            pending += children - (top ? 0 : 1);
            if (children == 0) {
                long repetition = element.optionalNumber(3).orElse(0L);
                boolean plain = top
                        && repetition <= OPTIONAL
                        && element.optionalNumber(1).orElse(-1L) == BYTE_ARRAY;
                leaves.add(new Leaf(plain ? element.text(4) : "", repetition == OPTIONAL));
            }
        }
        return leaves;
    }

    private static MalformedDataException malformed(RandomBytes file, String reason) {
        return new MalformedDataException(file.name(), -1, reason);
    }
}
