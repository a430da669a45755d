package sn9.localnet.hub;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import sn9.subnet.RepoId;

/** Who one is, and repositories as wholes: create, show, change, delete (spec/hub.md 3.1, 3.2). */
final class RepositoryRoutes {
    private final HubFolder hub;
    private final Access access;
    private final FileNames names;
    private final InstantSource clock;

    RepositoryRoutes(HubFolder hub, Access access, FileNames names, InstantSource clock) {
        this.hub = hub;
        this.access = access;
        this.names = names;
        this.clock = clock;
    }

    void register(RoutesConfig routes) {
        routes.get("/api/whoami-v2", this::whoAmI);
        routes.post("/api/validate-yaml", RepositoryRoutes::validateYaml);
        routes.post("/api/repos/create", this::create);
        routes.delete("/api/repos/delete", this::delete);
        routes.put("/api/models/{namespace}/{name}/settings", this::settings);
        routes.get("/api/models/{namespace}/{name}", request -> info(request, "main"));
        routes.get(
                "/api/models/{namespace}/{name}/revision/{revision}",
                request -> info(request, request.pathParam("revision")));
        routes.get("/api/models/{namespace}/{name}/refs", this::refs);
    }

    private void whoAmI(Context request) throws IOException {
        var caller = access.known(request);
        var token = new LinkedHashMap<String, Object>();
        token.put("displayName", "localnet");
        token.put("role", caller.role().name().toLowerCase(Locale.ROOT));
        token.put("createdAt", caller.created().toString());
        var answer = new LinkedHashMap<String, Object>();
        answer.put("type", "user");
        answer.put("id", Hashes.sha256("user/" + caller.owner()).substring(0, 24));
        answer.put("name", caller.owner());
        answer.put("fullname", caller.owner());
        answer.put("emailVerified", false);
        answer.put("isPro", false);
        answer.put("plan", "local");
        answer.put("orgs", List.of());
        answer.put("auth", Map.of("type", "access_token", "accessToken", token));
        request.json(answer);
    }

    /** Clients ask before they commit a README.md; any will do here. */
    private static void validateYaml(Context request) throws IOException {
        JsonBody.read(request, JsonBody.MAX_BYTES);
        request.json(Map.of("errors", List.of(), "warnings", List.of()));
    }

    private void create(Context request) throws IOException, InterruptedException {
        var caller = access.known(request);
        ObjectNode body = JsonBody.read(request, JsonBody.MAX_BYTES);
        RepoId id = named(body, caller);
        if (!Access.mayWrite(caller, id.namespace())) {
            throw new HubRefusal(
                    403, "You don't have the rights to create a model under the namespace \"" + id.namespace() + "\"");
        }
        String license = JsonBody.text(body, "license", "");
        if (!license.matches("[A-Za-z0-9.-]{0,50}")) {
            throw HubRefusal.badRequest("expected a license's identifier, such as mit");
        }
        if (!body.path("files").isEmpty()) {
            throw HubRefusal.badRequest("the local Hub creates no files with a repository; commit them");
        }
        boolean hidden = hidden(body).orElse(false);
        HubRepository repository = hub.repository(id);
        String address = SignedAddresses.origin(request) + "/" + id;
        repository.commit((head, before) -> {
            if (head.isPresent()) {
                throw HubRefusal.repoExists(address);
            }
            // Before the commit that makes it exist: no moment in which a private repository is open.
            repository.setPrivate(hidden);
            List<HubManifest.Entry> files = new ArrayList<>();
            files.add(store(repository, ".gitattributes", LargeFiles.gitAttributes()));
            if (!license.isEmpty()) {
                String card = "---\nlicense: " + license + "\n---\n";
                files.add(store(repository, "README.md", card.getBytes(StandardCharsets.UTF_8)));
            }
            var note = new HubManifest.Note("initial commit", "", CommitRoutes.now(clock));
            return new HubManifest(id.toString(), Optional.empty(), files, Optional.of(note));
        });
        request.json(Map.of("url", address, "name", id.toString(), "id", id.toString()));
    }

    private static HubManifest.Entry store(HubRepository repository, String path, byte[] content) throws IOException {
        try (PendingFile file = repository.newBlob()) {
            file.append(content, content.length);
            repository.publish(file);
            return new HubManifest.Entry(path, file.bytes(), file.sha256());
        }
    }

    private void delete(Context request) throws IOException, InterruptedException {
        var caller = access.known(request);
        RepoId id = named(JsonBody.read(request, JsonBody.MAX_BYTES), caller);
        access.writable(request, id.namespace(), id.name(), "You don't have the rights to delete this repo");
        hub.delete(id);
        request.result("OK");
    }

    /** The repository that a body names by {@code name} and {@code organization}, one's own where the latter is missing. */
    private static RepoId named(ObjectNode body, AccessTokens.Grant caller) throws HubRefusal {
        if (!JsonBody.text(body, "type", "model").equals("model")) {
            throw HubRefusal.badRequest("the local Hub holds models only");
        }
        String name = JsonBody.text(body, "name");
        try {
            return name.contains("/")
                    ? RepoId.parse(name)
                    : new RepoId(JsonBody.text(body, "organization", caller.owner()), name);
        } catch (IllegalArgumentException e) {
            throw HubRefusal.badRequest(e.getMessage());
        }
    }

    private void settings(Context request) throws IOException {
        var repository = access.writable(request, "You don't have the rights to change the settings of this repo");
        var hidden = hidden(JsonBody.read(request, JsonBody.MAX_BYTES));
        if (hidden.isPresent()) {
            repository.setPrivate(hidden.get());
        }
        boolean now = repository.isPrivate();
        request.json(Map.of("private", now, "visibility", now ? "private" : "public"));
    }

    /** Newer clients send {@code visibility}, older ones {@code private}; empty when a body says neither. */
    private static Optional<Boolean> hidden(ObjectNode body) throws HubRefusal {
        String visibility = JsonBody.text(body, "visibility", "");
        if (visibility.equals("private") || visibility.equals("public")) {
            return Optional.of(visibility.equals("private"));
        }
        if (!visibility.isEmpty()) {
            throw HubRefusal.badRequest("visibility is \"" + visibility + "\", expected public or private");
        }
        return body.path("private").isBoolean()
                ? Optional.of(body.path("private").booleanValue())
                : Optional.empty();
    }

    private void info(Context request, String revision) throws IOException {
        var found = Access.revision(access.readable(request), revision);
        boolean blobs = "true".equalsIgnoreCase(request.queryParam("blobs"));
        Set<String> wanted = new LinkedHashSet<>(request.queryParams("expand"));
        wanted.addAll(request.queryParams("expand[]"));
        if (blobs && !wanted.isEmpty()) {
            throw HubRefusal.badRequest("blobs and expand exclude one another");
        }
        var repository = found.repository();
        String id = repository.id().toString();
        String modified = repository.date(found.commit(), found.manifest()).toString();
        var answer = new LinkedHashMap<String, Object>();
        answer.put("author", repository.id().namespace());
        answer.put("sha", found.commit());
        answer.put("lastModified", modified);
        answer.put("private", repository.isPrivate());
        answer.put("gated", false);
        answer.put("disabled", false);
        answer.put("downloads", 0);
        answer.put("likes", 0);
        answer.put("tags", List.of());
        answer.put("siblings", siblings(found, blobs));
        if (!wanted.isEmpty()) {
            answer.keySet().retainAll(wanted);
        }
        answer.put("_id", Hashes.sha256("model/" + id).substring(0, 24));
        answer.put("id", id);
        answer.put("modelId", id);
        request.json(answer);
    }

    private List<Map<String, Object>> siblings(Access.Revision found, boolean blobs) throws IOException {
        List<Map<String, Object>> siblings = new ArrayList<>();
        for (HubManifest.Entry file : found.manifest().files()) {
            var sibling = new LinkedHashMap<String, Object>();
            sibling.put("rfilename", file.path());
            if (blobs) {
                sibling.put("size", file.bytes());
                sibling.put("blobId", names.blobId(found.repository(), file));
                if (FileNames.isLarge(file)) {
                    sibling.put("lfs", FileNames.lfs("sha256", file));
                }
            }
            siblings.add(sibling);
        }
        return siblings;
    }

    private void refs(Context request) throws IOException {
        var head = Access.revision(access.readable(request), "main");
        var main = Map.of("name", "main", "ref", "refs/heads/main", "targetCommit", head.commit());
        request.json(Map.of("branches", List.of(main), "converts", List.of(), "tags", List.of()));
    }
}
