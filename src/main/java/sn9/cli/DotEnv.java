package sn9.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import sn9.MalformedDataException;

/**
 * Reads {@code .env} files as python-dotenv does (spec/hub.md 2): an optional {@code export}, {@code KEY=VALUE}, blank
 * lines, {@code #} comments, a comment after a blank behind an unquoted value, single quotes (escapes {@code \\} and
 * {@code \'}), double quotes (escapes of C as well), quoted values over several lines.
 */
final class DotEnv {
    /** More than any honest file holds; a log file given by mistake is refused. */
    private static final int MAX_BYTES = 1 << 20;

    private static final Pattern KEY = Pattern.compile("[A-Za-z_][A-Za-z0-9_.]*");

    private final String source;
    private final String text;
    private int at;

    private DotEnv(String source, String text) {
        this.source = source;
        this.text = text;
    }

    /**
     * The variables of a file, in order; the last of two with one name counts. A file that is not there has none.
     *
     * @throws MalformedDataException when a line is not of this syntax; the message has no values in it
     */
    static Map<String, String> read(Path file) throws MalformedDataException {
        try {
            if (!Files.isRegularFile(file)) {
                return Map.of();
            }
            if (Files.size(file) > MAX_BYTES) {
                throw new MalformedDataException(
                        file.toString(), -1, "has " + Files.size(file) + " bytes, expected at most " + MAX_BYTES);
            }
            return parse(file.toString(), new String(Files.readAllBytes(file), StandardCharsets.UTF_8));
        } catch (MalformedDataException e) {
            throw e;
        } catch (IOException e) {
            throw new MalformedDataException(file.toString(), -1, "cannot be read: " + e.getMessage(), e);
        }
    }

    /** As {@link #read}, of text in hand. */
    static Map<String, String> parse(String source, String text) throws MalformedDataException {
        return new DotEnv(source, text.replace("\r\n", "\n").replace('\r', '\n')).variables();
    }

    private Map<String, String> variables() throws MalformedDataException {
        var variables = new LinkedHashMap<String, String>();
        while (true) {
            skip(" \t\n\uFEFF");
            if (at == text.length()) {
                return Collections.unmodifiableMap(variables);
            }
            if (text.charAt(at) == '#') {
                restOfLine();
                continue;
            }
            String key = key();
            skip(" \t");
            if (at == text.length() || text.charAt(at) == '\n') {
                continue; // a bare name declares nothing
            }
            if (text.charAt(at) != '=') {
                throw malformed("expected '=' after " + key);
            }
            at++;
            skip(" \t");
            variables.put(key, value(key));
        }
    }

    private String key() throws MalformedDataException {
        var matcher = KEY.matcher(text).region(at, text.length());
        if (!matcher.lookingAt()) {
            throw malformed("expected KEY=VALUE or # comment");
        }
        at = matcher.end();
        if (matcher.group().equals("export") && at < text.length() && " \t".indexOf(text.charAt(at)) >= 0) {
            skip(" \t");
            return key();
        }
        return matcher.group();
    }

    private String value(String key) throws MalformedDataException {
        if (at == text.length()) {
            return "";
        }
        char first = text.charAt(at);
        if (first != '\'' && first != '"') {
            return restOfLine().replaceFirst("(^|\\s+)#.*$", "").strip();
        }
        at++;
        String value = quoted(key, first);
        String rest = restOfLine().strip();
        if (!rest.isEmpty() && !rest.startsWith("#")) {
            throw malformed("expected the line of " + key + " to end after its closing quote");
        }
        return value;
    }

    private String quoted(String key, char quote) throws MalformedDataException {
        var value = new StringBuilder();
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == quote) {
                return value.toString();
            }
            if (c == '\\' && at < text.length()) {
                value.append(escape(text.charAt(at++), quote));
            } else {
                value.append(c);
            }
        }
        throw malformed("the quote of " + key + " is never closed");
    }

    private static String escape(char c, char quote) {
        if (c == '\\' || c == quote) {
            return String.valueOf(c);
        }
        if (quote == '\'') {
            return "\\" + c;
        }
        return switch (c) {
            case 'n' -> "\n";
            case 't' -> "\t";
            case 'r' -> "\r";
            case 'a' -> "\u0007";
            case 'b' -> "\b";
            case 'f' -> "\f";
            case 'v' -> "\u000b";
            case '\'' -> "'";
            default -> "\\" + c;
        };
    }

    private String restOfLine() {
        int end = text.indexOf('\n', at);
        String rest = text.substring(at, end < 0 ? text.length() : end);
        at += rest.length();
        return rest;
    }

    private void skip(String characters) {
        while (at < text.length() && characters.indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private MalformedDataException malformed(String reason) {
        long line = 1 + text.substring(0, at).chars().filter(c -> c == '\n').count();
        return new MalformedDataException(source + " line " + line, -1, reason);
    }
}
