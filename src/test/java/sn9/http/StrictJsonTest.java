package sn9.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;

class StrictJsonTest {
    @Test
    void readsOneValue() throws MalformedDataException {
        assertThat(parse("{\"a\":[1,\"b\",null]}").path("a").path(1).asText()).isEqualTo("b");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "{", "{} {}", "{\"a\":1,\"a\":2}", "[1,]", "nul", "{\"a\":NaN}", "\u0000"})
    void refusesWhatIsNotExactlyOneValue(String text) {
        assertThatThrownBy(() -> parse(text))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageStartingWith("here");
    }

    @Test
    void refusesWhatIsBuiltToExhaust() {
        assertThatThrownBy(() -> parse("[".repeat(100_000))).isInstanceOf(MalformedDataException.class);
        assertThatThrownBy(() -> parse("[" + "0,".repeat(2_000_001) + "0]")).isInstanceOf(MalformedDataException.class);
        assertThatThrownBy(() -> parse("1".repeat(1000))).isInstanceOf(MalformedDataException.class);
    }

    private static com.fasterxml.jackson.databind.JsonNode parse(String text) throws MalformedDataException {
        return StrictJson.parse("here", text.getBytes(StandardCharsets.UTF_8));
    }
}
