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
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import sn9.MalformedDataException;

/**
 * Text on this machine as pages: a file, or all files of a folder and its sub-folders in the order of their paths. A
 * {@code .txt} file is one document; {@code .jsonl} and {@code .parquet} files hold many, in {@code text} or
 * {@code content}. Other and hidden files are passed over.
 *
 * <p>Documents longer than 3,000 bytes fall into several rows ({@link Rows}). A document with all its rows belongs to one
 * split, by a seeded hash of its words: about 80 % to TRAIN, 10 % each to HELD_OUT and EVAL, equal documents together, and
 * a document stays where it is when others are added. A page is {@value #PAGE_ROWS} consecutive rows of its split; the
 * last page of a split may have fewer. Page numbers run through all splits, so a number alone names a page.
 *
 * <p>Opening reads everything once and keeps some 28 bytes a row in memory; pages are read again from the files, which
 * must not change meanwhile. Safe to use from any thread.
 */
public final class LocalCorpus implements PageSource {
    /** Rows in a page, as on the network. */
    public static final int PAGE_ROWS = 100;

    /** Files in a corpus, at most. */
    private static final int MAX_FILES = 1_000_000;

    /** Rows in a corpus, at most: up to 150 GB of text and 1.4 GB of index. */
    private static final int MAX_ROWS = 50_000_000;

    private static final int MAX_DEPTH = 64;
    private static final String ADVICE =
            "scripts/fetch-corpus.sh brings one; a folder of .txt, .jsonl or .parquet files serves as well";

    private final Path place;
    private final List<Source> sources;
    private final RowIndex index;
    private final Map<Split, int[]> rows; // by split, ascending

    /** A file as it was when it was indexed. */
    private record Source(CorpusFile file, long bytes, FileTime changed) {
        private static Source of(CorpusFile file) throws IOException {
            var attributes = Files.readAttributes(file.path(), BasicFileAttributes.class);
            return new Source(file, attributes.size(), attributes.lastModifiedTime());
        }
    }

    private LocalCorpus(Path place, List<Source> sources, RowIndex index, Map<Split, int[]> rows) {
        this.place = place;
        this.sources = sources;
        this.index = index;
        this.rows = rows;
    }

    /**
     * Indexes a corpus.
     *
     * @param place a folder or a single file
     * @param seed decides which documents go to which split; miners and validators of one machine use the same
     * @throws FileNotFoundException when there is no such place, or no text in it; the message says how to get some
     * @throws MalformedDataException when a file is not what its format demands, or fewer than three documents differ
     */
    public static LocalCorpus open(Path place, long seed) throws IOException {
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
        return new LocalCorpus(place, List.copyOf(sources), index, split(index, place));
    }

    @Override
    public long pages(Split split) {
        return (rows.get(split).length + PAGE_ROWS - 1) / PAGE_ROWS;
    }

    /** How many rows a split has. */
    public long rows(Split split) {
        return rows.get(split).length;
    }

    @Override
    public long[] draw(Split split, int count, RandomGenerator random) {
        long available = pages(split);
        if (count < 0 || count > available) {
            throw new IllegalArgumentException("cannot draw " + count + " different pages of " + place + ": " + split
                    + " has " + available + "; ask for fewer, or use a larger corpus");
        }
        long[] drawn = Draws.distinct(count, available, random);
        Arrays.setAll(drawn, i -> first(split) + drawn[i]);
        return drawn;
    }

    @Override
    public Page page(long number) throws IOException {
        long within = number;
        for (Split split : Split.values()) {
            if (within >= 0 && within < pages(split)) {
                int[] splitRows = rows.get(split);
                int from = (int) within * PAGE_ROWS;
                return new Page(number, read(splitRows, from, Math.min(from + PAGE_ROWS, splitRows.length)));
            }
            within -= pages(split);
        }
        throw new IllegalArgumentException(
                "page " + number + " of " + place + ": expected 0 to " + (first(Split.EVAL) + pages(Split.EVAL) - 1));
    }

    @Override
    public String describe() {
        String splits = Stream.of(Split.values())
                .map(split -> split.name().toLowerCase(Locale.ROOT) + "_pages=" + pages(split))
                .collect(Collectors.joining(" "));
        return "corpus=" + place + " files=" + sources.size() + " documents=" + index.documents() + " " + splits;
    }

    /** Does nothing: no file stays open. */
    @Override
    public void close() {}

    private long first(Split split) {
        long first = 0;
        for (Split before : Split.values()) {
            if (before == split) {
                break;
            }
            first += pages(before);
        }
        return first;
    }

    private List<String> read(int[] splitRows, int from, int to) throws IOException {
        var texts = new ArrayList<String>(to - from);
        int at = from;
        while (at < to) {
            int file = index.file(splitRows[at]);
            Source source = sources.get(file);
            if (!Source.of(source.file).equals(source)) {
                throw new MalformedDataException(
                        source.file.path().toString(), -1, "the file changed after it was indexed; start again");
            }
            try (CorpusFile.RowReader reader = source.file.open()) {
                for (; at < to && index.file(splitRows[at]) == file; at++) {
                    int row = splitRows[at];
                    texts.add(reader.row(index.position(row), index.length(row), index.part(row)));
                }
            }
        }
        return List.copyOf(texts);
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
                    .map(LocalCorpus::file)
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

    private static Map<Split, int[]> split(RowIndex index, Path place) throws MalformedDataException {
        var assignment = Splits.assign(index, place.toString());
        var rows = new EnumMap<Split, int[]>(Split.class);
        for (Split split : Split.values()) {
            rows.put(split, Splits.rows(index, assignment, split));
        }
        return rows;
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
