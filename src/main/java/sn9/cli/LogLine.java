package sn9.cli;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import java.nio.charset.StandardCharsets;

/** How a line of the log looks, on the terminal and in a file: as {@link Plain} makes it, for a message may quote strangers. */
final class LogLine {
    private LogLine() {}

    /** @param time a pattern of {@link java.time.format.DateTimeFormatter} */
    static PatternLayoutEncoder encoder(LoggerContext context, String time) {
        var encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setCharset(StandardCharsets.UTF_8);
        encoder.setPattern("%d{" + time + "} %-5level %logger{0}: "
                + "%replace(%msg){'[\\p{Cc}\\p{Cf}]', '?'}%n"
                + "%replace(%ex{short}){'[\\p{Cc}\\p{Cf}&&[^\\n\\r\\t]]', '?'}");
        encoder.start();
        return encoder;
    }
}
