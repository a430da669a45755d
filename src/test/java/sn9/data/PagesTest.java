package sn9.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import sn9.RemoteCallException;

class PagesTest {
    @Test
    void pagesThatFailAreReplacedInOrder() throws Exception {
        var source = new Flaky(Set.of(2L, 5L));
        assertThat(numbers(source, 2, 1, 5, 7, 8, 9)).containsExactly(1L, 7L, 8L);
        assertThat(source.read).as("no more than needed").containsExactly(2L, 1L, 5L, 7L, 8L);
    }

    @Test
    void theLastFailureIsTold() {
        assertThatThrownBy(() -> numbers(new Flaky(Set.of(1L, 2L)), 0, 1, 3, 2))
                .isInstanceOf(RemoteCallException.class)
                .hasMessage("page 2 answered 500");
    }

    private static List<Long> numbers(Flaky source, long... numbers) throws Exception {
        return Pages.readable(source, numbers, 3).stream().map(Page::number).toList();
    }

    /** Pages of which some always fail. */
    private record Flaky(Set<Long> failing, List<Long> read) implements PageSource {
        private Flaky(Set<Long> failing) {
            this(failing, new ArrayList<>());
        }

        @Override
        public Page page(long number) throws IOException {
            read.add(number);
            if (failing.contains(number)) {
                throw new RemoteCallException("page " + number + " answered 500", true);
            }
            return new Page(number, List.of());
        }

        @Override
        public long pages(Split split) {
            return 10;
        }

        @Override
        public long[] draw(Split split, int count, RandomGenerator random) {
            return new long[count];
        }

        @Override
        public String describe() {
            return "flaky";
        }

        @Override
        public void close() {}
    }
}
