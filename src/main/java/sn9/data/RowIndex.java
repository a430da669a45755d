package sn9.data;

import java.util.Arrays;

/**
 * Where the rows of a corpus are and which document each belongs to: 24 bytes a row and 8 a document in plain arrays, so
 * that a corpus far larger than memory can be indexed.
 */
final class RowIndex {
    private int[] files = new int[1024];
    private long[] positions = new long[1024];
    private int[] lengths = new int[1024];
    private int[] parts = new int[1024];
    private int[] documents = new int[1024];
    private int rows;
    private long[] hashes = new long[256]; // by document
    private int documentCount;

    /** Adds a row of the document that {@link #endDocument} ends next. */
    void add(int file, long position, int length, int part) {
        if (rows == files.length) {
            int capacity = rows + rows / 2;
            files = Arrays.copyOf(files, capacity);
            positions = Arrays.copyOf(positions, capacity);
            lengths = Arrays.copyOf(lengths, capacity);
            parts = Arrays.copyOf(parts, capacity);
            documents = Arrays.copyOf(documents, capacity);
        }
        files[rows] = file;
        positions[rows] = position;
        lengths[rows] = length;
        parts[rows] = part;
        documents[rows++] = documentCount;
    }

    /** Ends the document of the rows since the last call. */
    void endDocument(long hash) {
        if (documentCount == hashes.length) {
            hashes = Arrays.copyOf(hashes, 2 * documentCount);
        }
        hashes[documentCount++] = hash;
    }

    int rows() {
        return rows;
    }

    int documents() {
        return documentCount;
    }

    long hash(int document) {
        return hashes[document];
    }

    int document(int row) {
        return documents[row];
    }

    int file(int row) {
        return files[row];
    }

    long position(int row) {
        return positions[row];
    }

    int length(int row) {
        return lengths[row];
    }

    int part(int row) {
        return parts[row];
    }
}
