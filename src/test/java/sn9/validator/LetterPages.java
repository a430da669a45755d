package sn9.validator;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.random.RandomGenerator;
import java.util.stream.LongStream;
import sn9.MalformedDataException;
import sn9.data.Page;
import sn9.data.PageSource;

/**
 * Pages of rows of one token each, so that a page of r rows is 2 r tokens. The first {@code bad} pages cannot be used: even
 * ones cannot be read, odd ones are too short.
 */
final class LetterPages implements PageSource {
    private final int pages;
    private final int rows;
    private final int bad;

    LetterPages(int pages, int rows) {
        this(pages, rows, 0);
    }

    LetterPages(int pages, int rows, int bad) {
        this.pages = pages;
        this.rows = rows;
        this.bad = bad;
    }

    @Override
    public long pages(Split split) {
        return pages;
    }

    @Override
    public long[] draw(Split split, int count, RandomGenerator random) {
        var numbers = new ArrayList<>(LongStream.range(0, pages).boxed().toList());
        Collections.shuffle(numbers, Random.from(random));
        return numbers.stream().limit(count).mapToLong(Long::longValue).toArray();
    }

    @Override
    public Page page(long number) throws IOException {
        if (number < bad && number % 2 == 0) {
            throw new MalformedDataException("page " + number, -1, "not to be read");
        }
        if (number < bad) {
            return new Page(number, List.of("a"));
        }
        return new Page(number, Collections.nCopies(rows, String.valueOf((char) ('a' + number % 26))));
    }

    @Override
    public String describe() {
        return "letters";
    }

    @Override
    public void close() {}
}
