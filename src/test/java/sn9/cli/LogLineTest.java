package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LogLineTest {
    @ParameterizedTest
    @ValueSource(strings = {"HH:mm:ss.SSS", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"})
    void strangersTextStaysInItsLineAndMovesNoCursor(String time) {
        assertThat(line(time, null, "event=x text={}", "a\u001b[2J\r\n12:00:00.000 INFO  Validator: b\u202e\u009bc é"))
                .endsWith(" WARN  Probe: event=x text=a?[2J??12:00:00.000 INFO  Validator: b??c é\n")
                .containsOnlyOnce("\n");
    }

    @Test
    void anExceptionsTraceKeepsItsLinesAndNothingElse() {
        assertThat(line("HH:mm:ss", new IOException("no\u001b[1m"), "failed"))
                .contains(" WARN  Probe: failed\n")
                .contains("java.io.IOException: no?[1m\n\tat " + LogLineTest.class.getName());
    }

    private static String line(String time, Throwable thrown, String format, Object... arguments) {
        var context = new LoggerContext();
        var event = new LoggingEvent("", context.getLogger("sn9.Probe"), Level.WARN, format, thrown, arguments);
        return new String(LogLine.encoder(context, time).encode(event), StandardCharsets.UTF_8);
    }
}
