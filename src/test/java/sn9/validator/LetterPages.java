package sn9.validator;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Random;
import java.util.random.RandomGenerator;
import java.util.stream.LongStream;
import sn9.data.Page;
import sn9.data.PageSource;

/** Pages of rows of one token each, so that a page of r rows is 2 r tokens. */
final class LetterPages implements PageSource {
    private final int pages;
    private final int rows;

    LetterPages(int pages, int rows) {
        this.pages = pages;
        this.rows = rows;
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
    public Page page(long number) {
        return new Page(number, Collections.nCopies(rows, String.valueOf((char) ('a' + number % 26))));
    }

    @Override
    public String describe() {
        return "letters";
    }

    @Override
    public void close() {}
}
