package sn9.data;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.IntUnaryOperator;
import java.util.stream.Stream;
import sn9.MalformedDataException;

/**
 * Text on this machine as numbered rows: a file, or all files of a folder and its sub-folders in the order of their paths.
 * A {@code .txt} file is one document; {@code .jsonl} and {@code .parquet} files hold many, in {@code text} or
 * {@code content}. Other and hidden files are passed over. Documents longer than 3,000 bytes fall into several rows
 * ({@link Rows}).
 *
 * <p>Opening reads everything once and keeps some 28 bytes a row in memory; rows are read again from the files, which must
 * not change meanwhile. Safe to use from any thread.
 */
public final class CorpusRows {
    /** Files in a corpus, at most. */
    private static final int MAX_FILES = 1_000_000;

    /** Rows in a corpus, at most: up to 150 GB of text and 1.4 GB of index. */
    private static final int MAX_ROWS = 50_000_000;

    private static final int MAX_DEPTH = 64;
    private static final String ADVICE =
            "scripts/fetch-corpus.sh brings one; a folder of .txt, .jsonl or .parquet files serves as well";

    private final List<Source> sources;
    private final RowIndex index;

    /** A file as it was when it was indexed. */
    private record Source(CorpusFile file, long bytes, FileTime changed) {
        private static Source of(CorpusFile file) throws IOException {
            var attributes = Files.readAttributes(file.path(), BasicFileAttributes.class);
            return new Source(file, attributes.size(), attributes.lastModifiedTime());
        }
    }

    private CorpusRows(List<Source> sources, RowIndex index) {
        this.sources = sources;
        this.index = index;
    }

    /**
     * Indexes a corpus.
     *
     * @param place a folder or a single file
     * @throws FileNotFoundException when there is no such place, or no text in it; the message says how to get some
     * @throws MalformedDataException when a file is not what its format demands
     */
    public static CorpusRows open(Path place) throws IOException {
        return open(place, 0);
    }

    /**
     * As {@link #open(Path)}.
     *
     * @param seed enters the hashes of documents in {@link #index}
     */
    static CorpusRows open(Path place, long seed) throws IOException {
        if (!Files.exists(place)) {
            throw new FileNotFoundException("no corpus at " + place + ": " + ADVICE);
        }
        var sources = new ArrayList<Source>();
        var index = new RowIndex();
        for (CorpusFile file : files(place)) {
            sources.add(Source.of(file));
            file.index(new Indexing(index, sources.size() - 1, seed, file.path()));
        }
        if (index.documents() == 0) {
            throw new FileNotFoundException("no text in " + place + " (" + sources.size() + " files read): " + ADVICE);
        }
        return new CorpusRows(List.copyOf(sources), index);
    }

    /** How many rows there are. */
    public int count() {
        return index.rows();
    }

    /**
     * The text of consecutive rows.
     *
     * @param from number of the first, from 0
     * @param count how many; fewer are given where the corpus ends
     * @throws MalformedDataException when a file is no longer what it was
     */
    public List<String> read(int from, int count) throws IOException {
        return read(row -> row, from, (int) Math.min((long) from + count, count()));
    }

    /** The text of the rows that {@code rows} gives, ascending, for {@code from} to {@code to}, the latter not included. */
    List<String> read(IntUnaryOperator rows, int from, int to) throws IOException {
        var texts = new ArrayList<String>(Math.max(0, to - from));
        int at = from;
        while (at < to) {
            int file = index.file(rows.applyAsInt(at));
            Source source = sources.get(file);
            if (!Source.of(source.file).equals(source)) {
                throw new MalformedDataException(
                        source.file.path().toString(), -1, "the file changed after it was indexed; start again");
            }
            try (CorpusFile.RowReader reader = source.file.open()) {
                for (; at < to && index.file(rows.applyAsInt(at)) == file; at++) {
                    int row = rows.applyAsInt(at);
                    texts.add(reader.row(index.position(row), index.length(row), index.part(row)));
                }
            }
        }
        return List.copyOf(texts);
    }

    /** The parquet files among its files, in order. */
    public List<Path> parquetFiles() {
        return sources.stream()
                .map(Source::file)
                .filter(ParquetFile.class::isInstance)
                .map(CorpusFile::path)
                .toList();
    }

    /** Which document each row belongs to. */
    RowIndex index() {
        return index;
    }

    /** How many files there are. */
    int files() {
        return sources.size();
    }

    /** The files of a corpus in the order of their paths, which is the same on every system. */
    private static List<CorpusFile> files(Path place) throws IOException {
        if (!Files.isDirectory(place)) {
            CorpusFile file = file(place);
            if (file == null) {
                throw new MalformedDataException(
                        place.toString(), -1, "expected a .txt, .jsonl or .parquet file, or a folder of them");
            }
            return List.of(file);
        }
        try (Stream<Path> walk = Files.walk(place, MAX_DEPTH, FileVisitOption.FOLLOW_LINKS)) {
            List<CorpusFile> files = walk.filter(path -> !isHidden(place.relativize(path)))
                    .filter(Files::isRegularFile)
                    .sorted(Comparator.comparing(
                            path -> place.relativize(path).toString().replace('\\', '/')))
                    .map(CorpusRows::file)
                    .filter(file -> file != null)
                    .limit(MAX_FILES + 1L)
                    .toList();
            if (files.size() > MAX_FILES) {
                throw new MalformedDataException(
                        place.toString(), -1, "more than " + MAX_FILES + " files; join them into .jsonl files");
            }
            return files;
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static boolean isHidden(Path relative) {
        for (Path name : relative) {
            if (name.toString().startsWith(".")) {
                return true;
            }
        }
        return false;
    }

    /** The file by its ending; null when it is none of ours. */
    private static CorpusFile file(Path path) {
        String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
        if (name.endsWith(".txt")) {
            return new TextFile(path);
        }
        if (name.endsWith(".jsonl")) {
            return new JsonLinesFile(path);
        }
        return name.endsWith(".parquet") ? new ParquetFile(path) : null;
    }

    /** Enters the rows of one file into the index and hashes each document's words with the seed. */
    private static final class Indexing implements CorpusFile.Index {
        private final RowIndex index;
        private final int file;
        private final byte[] seed;
        private final Path path;
        private final MessageDigest digest;
        private boolean empty = true;

        private Indexing(RowIndex index, int file, long seed, Path path) {
            this.index = index;
            this.file = file;
            this.seed = ByteBuffer.allocate(Long.BYTES).putLong(seed).array();
            this.path = path;
            try {
                this.digest = MessageDigest.getInstance("SHA-256");
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java platform has SHA-256", e);
            }
        }

        @Override
        public void row(long position, int length, int part, byte[] bytes, int from, int to)
                throws MalformedDataException {
            if (index.rows() == MAX_ROWS) {
                throw new MalformedDataException(
                        path.toString(), -1, "the corpus has more than " + MAX_ROWS + " rows; use a part of it");
            }
            if (empty) {
                digest.update(seed);
                empty = false;
            }
            digest.update(bytes, from, to - from);
            digest.update((byte) '\n');
            index.add(file, position, length, part);
        }

        @Override
        public void endDocument() {
            if (!empty) {
                index.endDocument(ByteBuffer.wrap(digest.digest()).getLong());
                empty = true;
            }
        }
    }
}
