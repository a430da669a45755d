package sn9.cli;

/** What the process's exit code means. */
public final class ExitCode {
    /** The command did what it was asked. */
    public static final int DONE = 0;

    /** It did not: a remote refused, a file is malformed, a model was rejected. */
    public static final int FAILED = 1;

    /** Unknown or contradictory flags; nothing was tried. */
    public static final int USAGE = 2;

    /** The device or a native library failed. */
    public static final int ENGINE = 3;

    private ExitCode() {}
}
