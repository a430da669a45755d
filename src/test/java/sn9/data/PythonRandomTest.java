package sn9.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** Vectors of spec/subnet.md C 7, and more of CPython 3.11. */
class PythonRandomTest {
    private static final long ROWS = 968_000_015;
    private static final String HASH = "0x" + "ab".repeat(32);

    @Test
    void drawsTheRowsThatPythonDraws() {
        assertThat(rows(new PythonRandom(42))).containsExactly(686579304, 119540832, 26855093, 796233791, 295310486);
        assertThat(rows(PythonRandom.ofBlockHash(HASH)))
                .containsExactly(894144841, 933140411, 907435159, 143658191, 36268832);
        assertThat(rows(new PythonRandom(
                        new BigInteger("6836abfe460e9eeb5bf774d98fcddb837cbcb0a7da20cdeb5e7388a1fb0b0606", 16))))
                .containsExactly(894144841, 933140411, 907435159, 143658191, 36268832);
    }

    @Test
    void choosesAndShufflesAsPythonDoes() {
        var random = PythonRandom.ofBlockHash(HASH);
        assertThat(random.nextInt(50)).isEqualTo(8);
        assertThat(IntStream.range(0, 5).mapToObj(i -> "abcdefg".charAt(random.nextInt(7))))
                .containsExactly('a', 'g', 'a', 'e', 'g');

        var fresh = PythonRandom.ofBlockHash(HASH);
        int[] cards = IntStream.range(0, 10).toArray();
        for (int i = 9; i > 0; i--) {
            int j = fresh.nextInt(i + 1);
            int card = cards[i];
            cards[i] = cards[j];
            cards[j] = card;
        }
        assertThat(cards).containsExactly(6, 8, 9, 3, 5, 7, 4, 1, 0, 2);
    }

    /** {@code random.seed(s)}; {@code getrandbits(64)}, {@code randrange(2**40)}, {@code randrange(2**62 + 1)}. */
    @Test
    void wideNumbersTakeTheLowWordFirst() {
        var zero = new PythonRandom(0);
        assertThat(zero.nextLong()).isEqualTo(7106521602475165645L);
        assertThat(zero.nextLong(1L << 40)).isEqualTo(87705687125L);
        assertThat(zero.nextLong((1L << 62) + 1)).isEqualTo(4481891911369680482L);
        var negative = new PythonRandom(-7);
        assertThat(negative.nextLong()).isEqualTo(new PythonRandom(7).nextLong());
        var late = new PythonRandom(BigInteger.ONE.shiftLeft(20_000));
        for (int i = 0; i < 2000; i++) {
            late.nextInt();
        }
        assertThat(Integer.toUnsignedLong(late.nextInt())).isEqualTo(1205934158L);
    }

    @Test
    void refusesBoundsBelowOne() {
        assertThatThrownBy(() -> new PythonRandom(1).nextLong(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new PythonRandom(1).nextLong(Long.MIN_VALUE, 5))
                .isInstanceOf(ArithmeticException.class);
    }

    private static long[] rows(RandomGenerator random) {
        return LongStream.generate(() -> random.nextLong(1, ROWS + 1)).limit(5).toArray();
    }
}
