package sn9.miner;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.LongStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import sn9.data.Page;
import sn9.data.PageSource;

class PageDrawsTest {
    /** Numbers without text. */
    private record Numbers(int count) implements PageSource {
        @Override
        public long pages(Split split) {
            return count;
        }

        @Override
        public long[] draw(Split split, int wanted, RandomGenerator random) {
            assertThat(split).isEqualTo(Split.TRAIN);
            assertThat(wanted).isLessThanOrEqualTo(count);
            return random.longs(0, count).distinct().limit(wanted).toArray();
        }

        @Override
        public Page page(long number) {
            throw new AssertionError("only numbers are drawn");
        }

        @Override
        public String describe() {
            return "numbers";
        }

        @Override
        public void close() {}
    }

    @Property(tries = 200, seed = "9")
    void anEpochIsAPureFunctionOfSeedAndNumber(
            @ForAll long seed,
            @ForAll @LongRange(min = 0, max = 1000) long epoch,
            @ForAll @IntRange(min = 1, max = 30) int count) {
        var draws = new PageDraws(new Numbers(count), seed, 10);
        var once = draws.train(epoch);
        new PageDraws(new Numbers(count), seed + 1, 10).train(epoch);
        var again = draws.train(epoch);
        assertThat(once.pages()).isEqualTo(again.pages()).hasSize(Math.min(count, 10));
        assertThat(once.spares()).isEqualTo(again.spares()).hasSize(Math.clamp(count - 10, 0, 10));
        assertThat(LongStream.concat(LongStream.of(once.pages()), LongStream.of(once.spares())))
                .doesNotHaveDuplicates();
    }

    @Test
    void seedsAndEpochsDrawDifferently() {
        Set<Long> first = new HashSet<>();
        for (long seed = 0; seed < 20; seed++) {
            for (long epoch = 0; epoch < 20; epoch++) {
                first.add(new PageDraws(new Numbers(1_000_000), seed, 1)
                        .train(epoch)
                        .pages()[0]);
            }
        }
        assertThat(first).as("of 400 draws out of a million").hasSizeGreaterThan(390);
    }
}
