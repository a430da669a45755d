package sn9.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.RemoteCallException;

class SubmissionStatusTest {
    private static final String HASH = "0x" + "ee".repeat(32);

    @ParameterizedTest
    @CsvSource({
        "future, WAITING, false",
        "ready, WAITING, false",
        "a word of tomorrow, WAITING, false",
        "usurped, GONE, true",
        "dropped, GONE, true",
        "invalid, GONE, true"
    })
    void wordsAreUnderstood(String word, SubmissionStatus.Kind kind, boolean last) throws Exception {
        var status = SubmissionStatus.of(FaultRelay.json('"' + word + '"'));
        assertThat(status.kind()).isEqualTo(kind);
        assertThat(status.isLast()).isEqualTo(last);
        assertThat(status.block()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "inBlock, HELD, false, true",
        "retracted, RETRACTED, false, false",
        "finalized, SETTLED, true, true",
        "finalityTimeout, SETTLED, true, true",
        "usurped, GONE, true, false"
    })
    void blocksAreUnderstood(String word, SubmissionStatus.Kind kind, boolean last, boolean held) throws Exception {
        var status = SubmissionStatus.of(FaultRelay.json("{\"" + word + "\":\"" + HASH + "\"}"));
        assertThat(status.kind()).isEqualTo(kind);
        assertThat(status.isLast()).isEqualTo(last);
        assertThat(status.block().orElse("none")).isEqualTo(held ? HASH : "none");
    }

    @Test
    void peersAreNoBlock() throws Exception {
        assertThat(SubmissionStatus.of(FaultRelay.json("{\"broadcast\":[\"peer\"]}"))
                        .kind())
                .isEqualTo(SubmissionStatus.Kind.WAITING);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"inBlock\"", "{\"finalized\":null}", "{\"inBlock\":\"0x00\"}", "{\"inBlock\":[]}"})
    void aBlockWithoutItsHashIsTheNodesFault(String json) {
        assertThatThrownBy(() -> SubmissionStatus.of(FaultRelay.json(json)))
                .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                        .isTrue())
                .hasMessageContaining("status of an extrinsic");
    }
}
