package sn9.data;

import java.io.IOException;
import java.nio.file.Path;

/** One file of {@link CorpusRows}: its documents are walked once to index their rows, and rows are read again later. */
sealed interface CorpusFile permits TextFile, JsonLinesFile, ParquetFile {
    /** Where the file is. */
    Path path();

    /**
     * Walks all documents in order.
     *
     * @throws sn9.MalformedDataException when the bytes are not what the format demands
     */
    void index(Index index) throws IOException;

    /** Opens the file to read rows again. */
    RowReader open() throws IOException;

    /** Receives what {@link #index} finds. */
    interface Index {
        /**
         * One row of the present document, {@code bytes[from, to)} in UTF-8.
         *
         * @param position where {@link RowReader} finds it: a byte offset or a record number
         * @param length bytes to read there, where that has a meaning
         * @param part which row of its record, from 0
         */
        void row(long position, int length, int part, byte[] bytes, int from, int to) throws IOException;

        /** The present document ends; one without rows does not count. */
        void endDocument() throws IOException;

        /** A whole document that is one record, already decoded: its rows, then its end. */
        default void document(String text, long position, int length) throws IOException {
            byte[] bytes = Rows.bytes(text);
            var part = new int[1];
            Rows.split(bytes, bytes.length, (from, to) -> row(position, length, part[0]++, bytes, from, to));
            endDocument();
        }
    }

    /** Reads indexed rows; fastest in ascending order. Belongs to one thread. */
    interface RowReader extends AutoCloseable {
        /** The row that {@link Index#row} was told of by these numbers. */
        String row(long position, int length, int part) throws IOException;

        @Override
        void close() throws IOException;
    }
}
