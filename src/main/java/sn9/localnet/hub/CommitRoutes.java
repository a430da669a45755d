package sn9.localnet.hub;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The first and the last step of an upload (spec/hub.md 3.3): how files are to travel, and the commit. */
final class CommitRoutes {
    private static final int MAX_PREUPLOAD_FILES = 1000;
    private static final String NOT_YOURS =
            "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request.";

    private final Access access;
    private final FileNames names;
    private final InstantSource clock;

    CommitRoutes(Access access, FileNames names, InstantSource clock) {
        this.access = access;
        this.names = names;
        this.clock = clock;
    }

    void register(RoutesConfig routes) {
        routes.post("/api/models/{namespace}/{name}/preupload/{revision}", this::preupload);
        routes.post("/api/models/{namespace}/{name}/commit/{revision}", this::commit);
    }

    /** The time as commits carry it. */
    static Instant now(InstantSource clock) {
        return clock.instant().truncatedTo(ChronoUnit.MILLIS);
    }

    private void preupload(Context request) throws IOException {
        var repository = access.writable(request, NOT_YOURS);
        Access.requireMain(request);
        var body = JsonBody.read(request, JsonBody.MAX_BYTES);
        var head = Access.revision(repository, "main");
        List<Map<String, Object>> files = new ArrayList<>();
        for (var file : JsonBody.objects(body, "files", MAX_PREUPLOAD_FILES)) {
            String path = JsonBody.text(file, "path");
            long bytes = JsonBody.size(file, "size");
            Optional<HubManifest.Entry> present = head.manifest().file(path);
            var answer = new LinkedHashMap<String, Object>();
            answer.put("path", path);
            answer.put("uploadMode", LargeFiles.isLarge(path, bytes) ? "lfs" : "regular");
            answer.put("shouldIgnore", false);
            answer.put("oid", present.isPresent() ? names.contentId(repository, present.get()) : null);
            files.add(answer);
        }
        request.json(Map.of("files", files, "commitOid", head.commit()));
    }

    private void commit(Context request) throws IOException, InterruptedException {
        var repository = access.writable(request, NOT_YOURS);
        Access.requireMain(request);
        var asked = CommitRequest.read(request.bodyInputStream(), repository);
        String commit = repository.commit((head, before) -> {
            if (head.isEmpty()) {
                throw HubRefusal.repoNotFound(false); // deleted meanwhile
            }
            if (asked.parent().isPresent() && !asked.parent().equals(head)) {
                throw new HubRefusal(
                        412,
                        "A commit has happened since. Please refresh and try again. Expected parent "
                                + asked.parent().get() + ", the latest commit is " + head.get());
            }
            var note = new HubManifest.Note(asked.title(), asked.description(), now(clock));
            var files = asked.applyTo(before.orElseThrow().files());
            return new HubManifest(repository.id().toString(), head, files, Optional.of(note));
        });
        request.json(Map.of(
                "success",
                true,
                "commitOid",
                commit,
                "commitUrl",
                SignedAddresses.origin(request) + "/" + repository.id() + "/commit/" + commit,
                "hookOutput",
                ""));
    }
}
