package sn9.cli;

import java.io.Console;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The terminal of this process, or its standard input. */
final class SystemTerminal implements Terminal {
    /** Bytes of a line that holds any mnemonic, seed or password. */
    private static final int MAX_LINE_BYTES = 4096;

    @Override
    public boolean isInteractive() {
        Console console = System.console();
        return console != null && console.isTerminal();
    }

    @Override
    public char[] secret(String question) throws IOException {
        if (!isInteractive()) {
            return line();
        }
        char[] answer = System.console().readPassword("%s: ", question);
        return answer == null ? new char[0] : answer;
    }

    /** Byte by byte and unbuffered, so that no buffer keeps it. */
    private static char[] line() throws IOException {
        byte[] bytes = new byte[MAX_LINE_BYTES];
        int length = 0;
        for (int b = System.in.read(); b >= 0 && b != '\n'; b = System.in.read()) {
            if (length == MAX_LINE_BYTES) {
                Arrays.fill(bytes, (byte) 0);
                throw new IOException("a line of standard input has more than " + MAX_LINE_BYTES + " bytes");
            }
            bytes[length++] = (byte) b;
        }
        CharBuffer text = StandardCharsets.UTF_8.decode(ByteBuffer.wrap(bytes, 0, length));
        char[] line = Arrays.copyOf(text.array(), text.remaining());
        Arrays.fill(text.array(), '\0');
        Arrays.fill(bytes, (byte) 0);
        return line;
    }
}
