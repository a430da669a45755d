package sn9.chain;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class HeadsTest {
    private static final String ONE = "ws://one";
    private static final String OTHER = "ws://other";

    private Duration now = Duration.ofDays(-1); // a monotonic clock may begin anywhere
    private final Heads heads = new Heads(() -> Instant.EPOCH, () -> now.toNanos());

    @Test
    void aNodeFarBehindAnotherLags() {
        assertThat(heads.objection(ONE, 1_000)).isEmpty();
        assertThat(heads.objection(OTHER, 1_000 - Heads.MAX_LAG)).isEmpty();
        assertThat(heads.objection(OTHER, 999 - Heads.MAX_LAG))
                .contains("ws://other lags behind: it is at block 993, block 1000 was seen before");
    }

    @Test
    void aBlockThatNobodyConfirmsIsForgotten() {
        assertThat(heads.objection(ONE, 1L << 40)).isEmpty();
        assertThat(heads.objection(OTHER, 1_000)).isPresent();
        pass(Heads.UNCONFIRMED);
        assertThat(heads.objection(OTHER, 1_050)).isPresent();
        pass(Duration.ofSeconds(1));
        assertThat(heads.objection(OTHER, 1_050)).isEmpty();
        assertThat(heads.objection(ONE, 1_050 - Heads.MAX_LAG - 1)).isPresent();
    }

    @Test
    void aNodeWithoutNewBlocksStandsStill() {
        assertThat(heads.objection(ONE, 7)).isEmpty();
        pass(Heads.STANDSTILL);
        assertThat(heads.objection(ONE, 7)).isEmpty();
        pass(Duration.ofSeconds(1));
        assertThat(heads.objection(ONE, 7)).contains("ws://one stands still: for 181 s it has had no block after 7");
        assertThat(heads.objection(OTHER, 7)).as("counted anew").isEmpty();
        pass(Heads.STANDSTILL);
        assertThat(heads.objection(OTHER, 8)).isEmpty();
        pass(Duration.ofSeconds(1));
        assertThat(heads.objection(OTHER, 8)).isEmpty();
    }

    @Test
    void stampsAreLookedAtOncePerConnectionAndFromTimeToTime() {
        var connection = new Object();
        assertThat(heads.wantsStamp(connection)).isTrue();
        assertThat(heads.wantsStamp(connection)).isFalse();
        assertThat(heads.wantsStamp(new Object())).isTrue();
        assertThat(heads.wantsStamp(connection)).isTrue();
        pass(Duration.ofMinutes(11));
        assertThat(heads.wantsStamp(connection)).isTrue();
    }

    private void pass(Duration time) {
        now = now.plus(time);
    }
}
