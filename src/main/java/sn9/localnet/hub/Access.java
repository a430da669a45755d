package sn9.localnet.hub;

import io.javalin.http.Context;
import java.io.IOException;
import java.util.Optional;
import sn9.subnet.RepoId;

/** Who asks, and what they may see and change. */
final class Access {
    private static final String SCHEME = "Bearer ";

    private final HubFolder hub;
    private final AccessTokens tokens;

    Access(HubFolder hub, AccessTokens tokens) {
        this.hub = hub;
        this.tokens = tokens;
    }

    /** A repository at a commit. */
    record Revision(HubRepository repository, String commit, HubManifest manifest) {}

    /**
     * Whose token a request carries, empty when it carries none.
     *
     * @throws HubRefusal when it carries one that nobody issued
     */
    Optional<AccessTokens.Grant> caller(Context request) throws IOException {
        String header = request.header("Authorization");
        if (header == null || header.isBlank()) {
            return Optional.empty();
        }
        if (!header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            throw HubRefusal.badToken();
        }
        return Optional.of(
                tokens.find(header.substring(SCHEME.length()).strip()).orElseThrow(HubRefusal::badToken));
    }

    /** The owner of a token that every such request must carry. */
    AccessTokens.Grant known(Context request) throws IOException {
        return caller(request).orElseThrow(HubRefusal::noToken);
    }

    /** The repository that a request's path names, if the caller may see it. */
    HubRepository readable(Context request) throws IOException {
        return readable(request, request.pathParam("namespace"), request.pathParam("name"));
    }

    /** As above, by name. */
    HubRepository readable(Context request, String namespace, String name) throws IOException {
        var caller = caller(request);
        HubRepository repository;
        try {
            repository = hub.repository(new RepoId(namespace, name));
        } catch (IllegalArgumentException e) {
            throw HubRefusal.repoNotFound(caller.isEmpty());
        }
        boolean owned = caller.isPresent() && caller.get().owner().equals(namespace);
        if (!repository.exists() || repository.isPrivate() && !owned) {
            throw HubRefusal.repoNotFound(caller.isEmpty());
        }
        return repository;
    }

    /**
     * The repository that a request's path names, if the caller may change it.
     *
     * @param words what the genuine Hub says to those who may only see it
     */
    HubRepository writable(Context request, String namespace, String name, String words) throws IOException {
        var caller = known(request);
        var repository = readable(request, namespace, name);
        if (!mayWrite(caller, namespace)) {
            throw new HubRefusal(403, words);
        }
        return repository;
    }

    /** As above, named by the request's path. */
    HubRepository writable(Context request, String words) throws IOException {
        return writable(request, request.pathParam("namespace"), request.pathParam("name"), words);
    }

    static boolean mayWrite(AccessTokens.Grant caller, String namespace) {
        return caller.role() == AccessTokens.Role.WRITE && caller.owner().equals(namespace);
    }

    /** What a request's path names with {@code {revision}}: main, HEAD or a commit, of a repository it may see. */
    Revision revision(Context request) throws IOException {
        return revision(readable(request), request.pathParam("revision"));
    }

    /** The commit that a branch or a commit's name stands for. */
    static Revision revision(HubRepository repository, String name) throws IOException {
        boolean branch = name.equals("main") || name.equals("HEAD") || name.equals("refs/heads/main");
        String commit = branch ? repository.head().orElse(name) : name;
        if (!repository.holds(commit)) {
            throw HubRefusal.revisionNotFound(name);
        }
        return new Revision(repository, commit, repository.manifest(commit));
    }

    /** Refuses to write to any branch but main, the only one here. */
    static void requireMain(Context request) throws HubRefusal {
        if (!request.pathParam("revision").equals("main")) {
            throw HubRefusal.revisionNotFound(request.pathParam("revision"));
        }
        String pullRequest = request.queryParam("create_pr");
        if (pullRequest != null && !pullRequest.equals("0")) {
            throw HubRefusal.badRequest("the local Hub has no pull requests; commit to main");
        }
    }
}
