package sn9.cli;

import java.io.IOException;

/** Where a command asks for what must not stand on a command line, and so neither in a shell's history. */
interface Terminal {
    /** Whether a person sits there: questions are shown, answers are not. */
    boolean isInteractive();

    /**
     * The answer to a question, which the caller wipes; the next line of standard input when nobody sits there. Empty at its
     * end.
     */
    char[] secret(String question) throws IOException;
}
