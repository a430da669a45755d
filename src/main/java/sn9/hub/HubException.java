package sn9.hub;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.Secret;
import sn9.http.HttpReply;
import sn9.http.Retry;

/** The Hub said no, in its own words, or cannot be asked. */
public final class HubException extends RemoteCallException {
    private static final long serialVersionUID = 1L;

    private static final int MAX_WORDS = 500;

    private final int status;
    private final String code;

    /** A refusal that no answer stands for, for instance because the program is offline. */
    HubException(String message) {
        super(message, false);
        this.status = 0;
        this.code = "";
    }

    private HubException(String message, int status, String code) {
        super(message, Retry.isPassing(status));
        this.status = status;
        this.code = code;
    }

    /**
     * Reads an answer that is no success (spec/hub.md 3.5).
     *
     * @param token taken out of what the server says, should it repeat it
     */
    static HubException of(HttpReply reply, Optional<Secret> token) {
        String code =
                reply.headers().value("X-Error-Code").map(HubException::plain).orElse("");
        var message = new StringBuilder("hub: ")
                .append(reply.source())
                .append(": ")
                .append(reply.status())
                .append(code.isEmpty() ? "" : " " + code);
        String words = plain(words(reply));
        if (!words.isEmpty()) {
            message.append(" \"")
                    .append(token.map(secret -> secret.redact(words)).orElse(words))
                    .append('"');
        }
        reply.headers()
                .value("X-Request-Id")
                .ifPresent(id -> message.append(" (request ").append(plain(id)).append(')'));
        message.append(advice(reply.status(), token.isPresent()));
        return new HubException(message.toString(), reply.status(), code);
    }

    /** Status of the answer; 0 when there was none. */
    int status() {
        return status;
    }

    /** What the Hub calls the error: RepoNotFound, RevisionNotFound, EntryNotFound, GatedRepo, or empty. */
    String code() {
        return code;
    }

    private static String advice(int status, boolean withToken) {
        return switch (status) {
            case 401 ->
                withToken
                        ? "; the token is not valid there, or the repository does not exist"
                        : "; no token is set: give HF_ACCESS_TOKEN, HF_TOKEN or --hf_token_file";
            case 403 -> "; the token may not do this: it needs the right to write, and the account room to store";
            default -> "";
        };
    }

    private static String words(HttpReply reply) {
        var header = reply.headers().value("X-Error-Message");
        if (header.isPresent()) {
            return header.get();
        }
        try {
            return words(reply.json());
        } catch (MalformedDataException e) {
            boolean text = reply.headers()
                    .value("Content-Type")
                    .filter(type -> type.startsWith("text/plain"))
                    .isPresent();
            return text ? reply.text() : "";
        }
    }

    private static String words(JsonNode body) {
        JsonNode error = body.path("error");
        if (error.isTextual()) {
            String more = body.path("error_description").asText("");
            return more.isEmpty() ? error.asText() : error.asText() + ": " + more;
        }
        if (error.path(0).isTextual()) {
            return error.path(0).asText();
        }
        return body.path("errors")
                .path(0)
                .path("message")
                .asText(body.path("message").asText(""));
    }

    /** Foreign text on one line, printable and short. */
    static String plain(String text) {
        String line = text.strip().replaceAll("\\s+", " ").replaceAll("[^\\x20-\\x7e]", "?");
        return line.length() > MAX_WORDS ? line.substring(0, MAX_WORDS) + "..." : line;
    }
}
