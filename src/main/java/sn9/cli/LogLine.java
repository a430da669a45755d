package sn9.cli;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import java.nio.charset.StandardCharsets;

/**
 * How a line of the log looks, on the terminal and in a file. A message may quote strangers: it stays in its line, as
 * {@link Plain#line} would make it; a stack trace has the line ends it comes with, and no other control characters.
 */
final class LogLine {
    private LogLine() {}

    /** @param time a pattern of {@link java.time.format.DateTimeFormatter} */
    static PatternLayoutEncoder encoder(LoggerContext context, String time) {
        var encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setCharset(StandardCharsets.UTF_8);
        encoder.setPattern("%d{" + time + "} %-5level %logger{0}: "
                + "%replace(%msg){'" + Plain.NOT_IN_A_LINE + "', '?'}%n"
                + "%replace(%ex{short}){'" + Plain.NOT_IN_LINES + "', '?'}");
        encoder.start();
        return encoder;
    }
}
