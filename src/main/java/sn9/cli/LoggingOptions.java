package sn9.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.FileAppender;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** How much is logged, and whether to a file as well. Every command takes these. */
public final class LoggingOptions {
    @Option(
            names = "--logging.debug",
            fallbackValue = "true",
            description = "Log why decisions are taken, and stack traces of failures.")
    private boolean debug;

    @Option(names = "--logging.trace", fallbackValue = "true", description = "Log all there is; implies debug.")
    private boolean trace;

    @Option(
            names = "--logging.record_log",
            fallbackValue = "true",
            description = "Also append the log to sn9.log in --logging.logging_dir.")
    private boolean recordLog;

    @Option(
            names = "--logging.logging_dir",
            paramLabel = "DIR",
            defaultValue = "~/.bittensor/miners",
            description = "Folder of the recorded log. Default: ${DEFAULT-VALUE}")
    private String loggingDir;

    /** The group of a command, if it takes it. */
    static Optional<LoggingOptions> of(CommandSpec spec) {
        return spec.mixins().values().stream()
                .map(CommandSpec::userObject)
                .filter(LoggingOptions.class::isInstance)
                .map(LoggingOptions.class::cast)
                .findFirst();
    }

    /** Whether stack traces are wanted. */
    public boolean debug() {
        return debug || trace;
    }

    /** Folder of the recorded log. */
    public Path loggingDir() {
        return Home.resolve(loggingDir);
    }

    /** Sets the level of our own loggers and starts the recorded log; libraries stay quiet. */
    void apply() {
        var context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.getLogger("sn9").setLevel(trace ? Level.TRACE : debug ? Level.DEBUG : Level.INFO);
        if (recordLog) {
            context.getLogger(Logger.ROOT_LOGGER_NAME).addAppender(file(context));
        }
    }

    private FileAppender<ILoggingEvent> file(LoggerContext context) {
        var appender = new FileAppender<ILoggingEvent>();
        appender.setContext(context);
        appender.setFile(loggingDir().resolve("sn9.log").toString());
        appender.setEncoder(LogLine.encoder(context, "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"));
        appender.start();
        return appender;
    }
}
