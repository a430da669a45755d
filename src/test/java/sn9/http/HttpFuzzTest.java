package sn9.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.time.Duration;
import sn9.MalformedDataException;

/** What servers say, as any bytes at all. {@code JAZZER_FUZZ=1 -Dtest=HttpFuzzTest#...} searches. */
class HttpFuzzTest {
    @FuzzTest(maxDuration = "30s")
    void anyBytesAreJsonOrMalformed(byte[] bytes) {
        try {
            assertThat(StrictJson.parse("fuzz", bytes)).isNotNull();
        } catch (MalformedDataException e) {
            assertThat(e.getMessage()).startsWith("fuzz").hasSizeLessThan(500);
        }
    }

    @FuzzTest(maxDuration = "30s")
    void anyHeadersAskForAPauseOrNone(FuzzedDataProvider data) {
        var headers = HttpHeaders.of(
                "RateLimit",
                ascii(data),
                "Retry-After",
                ascii(data),
                "Date",
                ascii(data),
                "Content-Length",
                ascii(data));
        Retry.standard().afterAnswer(data.consumeInt(0, 100), headers).ifPresent(pause -> assertThat(pause)
                .isBetween(Duration.ofSeconds(1), Duration.ofMinutes(6)));
        headers.number("Content-Length").ifPresent(number -> assertThat(number).isNotNegative());
    }

    private static String ascii(FuzzedDataProvider data) {
        return data.consumeAsciiString(60).replaceAll("[^\\x20-\\x7e]", "");
    }
}
