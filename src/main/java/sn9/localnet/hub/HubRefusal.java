package sn9.localnet.hub;

import java.util.Map;
import java.util.Optional;
import sn9.RemoteCallException;

/** What the Hub does not do, with the status, the code and the words of the genuine Hub (spec/hub.md 3.5). */
final class HubRefusal extends RemoteCallException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String code;
    private final String url;

    /** A refusal that needs no code. */
    HubRefusal(int status, String message) {
        this(status, null, message);
    }

    private HubRefusal(int status, String code, String message) {
        this(status, code, message, null);
    }

    private HubRefusal(int status, String code, String message, String url) {
        super(message, status >= 500);
        this.status = status;
        this.code = code;
        this.url = url;
    }

    /** 400: the request is not what the protocol demands. */
    static HubRefusal badRequest(String message) {
        return new HubRefusal(400, message);
    }

    /** 401: there is a token, but nobody's. */
    static HubRefusal badToken() {
        return new HubRefusal(401, "Invalid credentials in Authorization header");
    }

    /** 401: a token is needed, and there is none. */
    static HubRefusal noToken() {
        return new HubRefusal(401, "Invalid username or password.");
    }

    /** A repository that is not there, or is not for this reader: 401 to those without a token, 404 to those with. */
    static HubRefusal repoNotFound(boolean anonymous) {
        return anonymous
                ? new HubRefusal(401, "RepoNotFound", "Invalid username or password.")
                : new HubRefusal(404, "RepoNotFound", "Repository not found");
    }

    /** 409: there is such a repository, at that address; clients that do not mind go on with it. */
    static HubRefusal repoExists(String url) {
        return new HubRefusal(409, null, "You already created this model repo", url);
    }

    /** 404: the repository has no such branch or commit. */
    static HubRefusal revisionNotFound(String revision) {
        return new HubRefusal(404, "RevisionNotFound", "Invalid rev id: " + revision);
    }

    /** 404: the commit has no such file. */
    static HubRefusal entryNotFound() {
        return new HubRefusal(404, "EntryNotFound", "Entry not found");
    }

    /** The HTTP status. */
    int status() {
        return status;
    }

    /** The value of {@code X-Error-Code}, where there is one. */
    Optional<String> code() {
        return Optional.ofNullable(code);
    }

    /** The body of the answer. */
    Map<String, Object> body() {
        return url == null ? Map.of("error", getMessage()) : Map.of("error", getMessage(), "url", url);
    }
}
