package sn9.miner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import sn9.MalformedDataException;
import sn9.tensor.ElementType;

class PositionTest {
    private static final MinerConfig CONFIG = new MinerConfig(2, 16, 7, 3, -1, -1, 1, 0, 10, ElementType.F32);

    @Property(tries = 200, seed = "9")
    void survivesACheckpointToTheBit(
            @ForAll long seed,
            @ForAll @LongRange(min = 0) long epoch,
            @ForAll @IntRange(min = 0) int batch,
            @ForAll double lossSum,
            @ForAll double bestLoss)
            throws Exception {
        var position = new Position(seed, 2, 16, 3, "text: 5 pages", epoch, batch, lossSum, bestLoss, epoch);
        assertThat(Position.of(position.toMap(), "x")).isEqualTo(position);
    }

    @Test
    void startHasNothingBehindIt() throws Exception {
        var start = Position.start(CONFIG, "corpus");
        assertThat(start.epoch()).isZero();
        assertThat(start.bestLoss()).isInfinite();
        assertThat(Position.of(start.toMap(), "x")).isEqualTo(start);
    }

    @Test
    void refusesWhatIsMissingOrOutOfRange() {
        var map = new HashMap<>(Position.start(CONFIG, "corpus").toMap());
        map.put("batch", "-1");
        assertThatThrownBy(() -> Position.of(map, "file"))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("file: counts below 0");
        map.put("batch", "many");
        assertThatThrownBy(() -> Position.of(map, "file")).hasMessageContaining("expected numbers");
        map.remove("batch");
        assertThatThrownBy(() -> Position.of(map, "file")).hasMessageContaining("lacks \"batch\"");
    }

    @Test
    void refusesToGoOnWithOtherTokens() {
        var position = Position.start(CONFIG, "corpus");
        position.mustMatch(CONFIG, "corpus");
        var wider = new MinerConfig(4, 16, 7, 3, -1, -1, 1, 0, 10, ElementType.F32);
        assertThatThrownBy(() -> position.mustMatch(wider, "corpus"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("started with --bs 2, now it is 4");
        assertThatThrownBy(() -> position.mustMatch(CONFIG, "other")).hasMessageContaining("--corpus");
    }
}
