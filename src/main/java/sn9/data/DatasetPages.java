package sn9.data;

import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import sn9.MalformedDataException;
import sn9.data.DatasetRows.Segment;

/**
 * A remote dataset as pages. How they are chosen:
 *
 * <ul>
 *   <li>{@link Choice#DISTINCT}: a page is {@value #PAGE_ROWS} rows of one segment, aligned; pages of a draw differ (spec/subnet.md D
 *       15). Of twenty consecutive pages one is for evaluation and one held out.
 *   <li>{@link Choice#REFERENCE}: as the reference chooses. A page begins at a random row, so pages may overlap, be short or
 *       have no rows, and splits are not kept apart. Of a dataset with one configuration the row is {@code randint(1, rows)}
 *       (B.3); of several, first {@code choice(configurations)}, then {@code randint(0, rows - 1 - 100)} (spec/hub.md 5). With a
 *       {@link PythonRandom} the rows are those that Python draws from the same seed.
 *   <li>{@link Choice#FINEWEB}: as the network chooses from FineWeb since release C. Pages of {@value #FINEWEB_ROWS} rows begin
 *       at a common random offset and a multiple of their size; none is drawn twice (spec/subnet.md C 8;
 *       macrocosm-os/pretraining, pretrain/datasets). Splits are not kept apart.
 * </ul>
 *
 * <p>Safe to use from any thread.
 */
public final class DatasetPages implements PageSource {
    /** Rows in a page. */
    public static final int PAGE_ROWS = LocalCorpus.PAGE_ROWS;

    /** How pages are chosen. */
    public enum Choice {
        /** Aligned pages, all different. */
        DISTINCT,
        /** Random rows, as the reference draws them. */
        REFERENCE,
        /** Distinct pages from a random offset, as the network draws them from FineWeb. */
        FINEWEB
    }

    /** Rows in a page of {@link Choice#FINEWEB}. */
    private static final int FINEWEB_ROWS = 50;

    /** Pages drawn twice after which the network gives up. */
    private static final int MAX_DUPLICATES = 100;

    /** Of so many consecutive pages the first is for evaluation and the second held out. */
    private static final int ROUND = 20;

    private final DatasetRows rows;
    private final Choice choice;
    private final List<Segment> segments;
    private final long[] firstPages; // of each segment, and behind the last
    private final long[] firstRows;

    /**
     * Pages of a dataset.
     *
     * @param rows closed with the pages
     * @throws MalformedDataException when it has fewer than three pages, one for each split
     */
    public DatasetPages(DatasetRows rows, Choice choice) throws MalformedDataException {
        this.rows = rows;
        this.choice = choice;
        this.segments = rows.segments();
        this.firstPages = new long[segments.size() + 1];
        this.firstRows = new long[segments.size() + 1];
        for (int i = 0; i < segments.size(); i++) {
            long count = segments.get(i).rows();
            firstPages[i + 1] = firstPages[i] + (count + PAGE_ROWS - 1) / PAGE_ROWS;
            firstRows[i + 1] = firstRows[i] + count;
        }
        if (all() < Split.values().length) {
            throw new MalformedDataException(
                    rows.describe(), -1, "expected at least 3 pages of " + PAGE_ROWS + " rows, found " + all());
        }
    }

    @Override
    public long pages(Split split) {
        if (choice != Choice.DISTINCT) {
            return all(firstRows) / pageRows();
        }
        long rounds = all() / ROUND;
        long rest = all() % ROUND;
        return switch (split) {
            case EVAL -> rounds + (rest > 0 ? 1 : 0);
            case HELD_OUT -> rounds + (rest > 1 ? 1 : 0);
            case TRAIN -> rounds * (ROUND - 2) + Math.max(0, rest - 2);
        };
    }

    @Override
    public long[] draw(Split split, int count, RandomGenerator random) {
        if (choice == Choice.REFERENCE) {
            var drawn = new long[count];
            Arrays.setAll(drawn, i -> referenceRow(random));
            return drawn;
        }
        if (choice == Choice.FINEWEB) {
            return fineWebRows(count, random);
        }
        long available = pages(split);
        if (count < 0 || count > available) {
            throw new IllegalArgumentException("cannot draw " + count + " different pages of " + describe());
        }
        return Arrays.stream(Draws.distinct(count, available, random))
                .map(index -> page(split, index))
                .toArray();
    }

    @Override
    public Page page(long number) throws IOException, InterruptedException {
        boolean byRow = choice != Choice.DISTINCT;
        long[] firsts = byRow ? firstRows : firstPages;
        // One row behind the last is what randint(1, rows) may give: a page without rows.
        long end = all(firsts) + (byRow ? 1 : 0);
        if (number < 0 || number >= end) {
            throw new IllegalArgumentException("page " + number + " of " + describe() + ": expected 0 to " + (end - 1));
        }
        if (number == all(firsts)) {
            return new Page(number, List.of());
        }
        int found = Arrays.binarySearch(firsts, number);
        int segment = found >= 0 ? found : -found - 2;
        long from = (number - firsts[segment]) * (byRow ? 1 : PAGE_ROWS);
        return new Page(number, List.copyOf(rows.read(segments.get(segment), from, pageRows())));
    }

    @Override
    public String describe() {
        String splits = Stream.of(Split.values())
                .map(split -> split.name().toLowerCase(Locale.ROOT) + "_pages=" + pages(split))
                .collect(Collectors.joining(" "));
        return rows.describe() + " rows=" + all(firstRows) + " choice="
                + choice.name().toLowerCase(Locale.ROOT) + " " + splits;
    }

    @Override
    public void close() {
        rows.close();
    }

    private int pageRows() {
        return choice == Choice.FINEWEB ? FINEWEB_ROWS : PAGE_ROWS;
    }

    private long all() {
        return all(firstPages);
    }

    private static long all(long[] firsts) {
        return firsts[firsts.length - 1];
    }

    /** The page of a split by its number there. */
    private static long page(Split split, long index) {
        return switch (split) {
            case EVAL -> index * ROUND;
            case HELD_OUT -> index * ROUND + 1;
            case TRAIN -> index / (ROUND - 2) * ROUND + 2 + index % (ROUND - 2);
        };
    }

    private long referenceRow(RandomGenerator random) {
        if (segments.size() == 1) {
            return random.nextLong(1, segments.getFirst().rows() + 1);
        }
        int segment = random.nextInt(segments.size());
        return firstRows[segment]
                + random.nextLong(0, Math.max(1, segments.get(segment).rows() - PAGE_ROWS));
    }

    private long[] fineWebRows(int count, RandomGenerator random) {
        int offset = random.nextInt(FINEWEB_ROWS);
        var drawn = new LinkedHashSet<Long>();
        for (int duplicates = 0; drawn.size() < count; ) {
            int segment = random.nextInt(segments.size());
            long available = (segments.get(segment).rows() - offset + 1) / FINEWEB_ROWS;
            boolean isNew = available > 0
                    && drawn.add(firstRows[segment] + offset + FINEWEB_ROWS * random.nextLong(0, available));
            duplicates += isNew ? 0 : 1;
            if (duplicates == MAX_DUPLICATES) {
                throw new IllegalArgumentException("cannot draw " + count + " different pages of " + describe() + ": "
                        + drawn.size() + " were drawn before the " + duplicates + "th that was there already");
            }
        }
        return drawn.stream().mapToLong(Long::longValue).toArray();
    }
}
