package sn9.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParseResult;
import sn9.engine.EngineException;

/** A failed command as one clear line on standard error, and its exit code. */
final class Failures implements IExecutionExceptionHandler {
    private final Environment environment;

    Failures(Environment environment) {
        this.environment = environment;
    }

    @Override
    public int handleExecutionException(Exception failure, CommandLine line, ParseResult parsed) {
        var spec = line.getCommandSpec();
        var err = line.getErr();
        err.println(environment.redact(spec.qualifiedName() + ": " + describe(failure)));
        if (LoggingOptions.of(spec).filter(LoggingOptions::debug).isPresent()) {
            for (String frame : stackTrace(failure).split("\n")) {
                err.println(environment.redact(Plain.lines(frame)));
            }
        }
        if (failure instanceof InterruptedException) {
            Thread.currentThread().interrupt();
        }
        return failure instanceof EngineException ? ExitCode.ENGINE : ExitCode.FAILED;
    }

    /** What happened, in words: exceptions of the file system carry only a path as their message. */
    static String describe(Exception failure) {
        return Plain.line(words(failure));
    }

    private static String words(Exception failure) {
        return switch (failure) {
            case NoSuchFileException e -> "no such file or folder: " + e.getFile();
            case AccessDeniedException e -> "access denied: " + e.getFile();
            case FileAlreadyExistsException e -> "already exists: " + e.getFile();
            case NotDirectoryException e -> "not a folder: " + e.getFile();
            case DirectoryNotEmptyException e -> "folder is not empty: " + e.getFile();
            case InterruptedException e -> "interrupted";
            case NullPointerException e -> internal(e);
            case IndexOutOfBoundsException e -> internal(e);
            case ClassCastException e -> internal(e);
            case Exception e -> e.getMessage() == null ? internal(e) : oneLine(e.getMessage());
        };
    }

    private static String internal(Exception failure) {
        return "internal error, " + oneLine(failure.toString()) + " (--logging.debug shows where; please report it)";
    }

    private static String oneLine(String text) {
        return text.strip().replaceAll("\\s*\\R\\s*", " | ");
    }

    private static String stackTrace(Exception failure) {
        var text = new StringWriter();
        failure.printStackTrace(new PrintWriter(text));
        return text.toString();
    }
}
