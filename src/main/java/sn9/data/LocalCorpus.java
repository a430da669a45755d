package sn9.data;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import sn9.MalformedDataException;

/**
 * The rows of a corpus ({@link CorpusRows}) as pages. A document with all its rows belongs to one split, by a seeded hash of
 * its words: about 80 % to TRAIN, 10 % each to HELD_OUT and EVAL, equal documents together, and a document stays where it
 * is when others are added. A page is {@value #PAGE_ROWS} consecutive rows of its split; the last page of a split may have
 * fewer. Page numbers run through all splits, so a number alone names a page. Safe to use from any thread.
 */
public final class LocalCorpus implements PageSource {
    /** Rows in a page, as on the network. */
    public static final int PAGE_ROWS = 100;

    private final Path place;
    private final CorpusRows corpus;
    private final Map<Split, int[]> rows; // by split, ascending

    private LocalCorpus(Path place, CorpusRows corpus, Map<Split, int[]> rows) {
        this.place = place;
        this.corpus = corpus;
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
        var corpus = CorpusRows.open(place, seed);
        return new LocalCorpus(place, corpus, split(corpus.index(), place));
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
                int to = Math.min(from + PAGE_ROWS, splitRows.length);
                return new Page(number, corpus.read(row -> splitRows[row], from, to));
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
        return "corpus=" + place + " files=" + corpus.files() + " documents="
                + corpus.index().documents() + " " + splits;
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

    private static Map<Split, int[]> split(RowIndex index, Path place) throws MalformedDataException {
        var assignment = Splits.assign(index, place.toString());
        var rows = new EnumMap<Split, int[]>(Split.class);
        for (Split split : Split.values()) {
            rows.put(split, Splits.rows(index, assignment, split));
        }
        return rows;
    }
}
