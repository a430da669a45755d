package sn9.localnet.hub;

import com.fasterxml.jackson.databind.JsonNode;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;

/** What a commit holds, file by file, and which commits there are (spec/hub.md 3.2). */
final class ListingRoutes {
    private static final int MAX_PATHS = 1000;

    private final Access access;
    private final FileNames names;
    private final int pageSize;

    /**
     * Lists in pages.
     *
     * @param pageSize most entries of an answer
     */
    ListingRoutes(Access access, FileNames names, int pageSize) {
        this.access = access;
        this.names = names;
        this.pageSize = pageSize;
    }

    void register(RoutesConfig routes) {
        routes.get("/api/models/{namespace}/{name}/tree/{revision}", request -> tree(request, ""));
        routes.get(
                "/api/models/{namespace}/{name}/tree/{revision}/<path>",
                request -> tree(request, request.pathParam("path")));
        routes.post("/api/models/{namespace}/{name}/paths-info/{revision}", this::pathsInfo);
        routes.get("/api/models/{namespace}/{name}/commits/{revision}", this::commits);
    }

    private void tree(Context request, String folder) throws IOException {
        var at = access.revision(request);
        boolean recursive = "true".equalsIgnoreCase(request.queryParam("recursive"));
        boolean expand = "true".equalsIgnoreCase(request.queryParam("expand"));
        var entries = entries(at.manifest(), folder.isEmpty() ? "" : folder + "/", recursive);
        if (entries.isEmpty() && !folder.isEmpty()) {
            throw HubRefusal.entryNotFound();
        }
        String cursor = request.queryParam("cursor");
        var rest = cursor == null ? entries : entries.tailMap(cursor, false);
        int limit = limit(request, pageSize);
        var page = new TreeMap<String, List<HubManifest.Entry>>();
        rest.entrySet().stream().limit(limit).forEach(entry -> page.put(entry.getKey(), entry.getValue()));
        if (page.size() < rest.size()) {
            String next = request.path() + "?recursive=" + recursive + "&expand=" + expand + "&limit=" + limit
                    + "&cursor=" + URLEncoder.encode(page.lastKey(), StandardCharsets.UTF_8);
            request.header("Link", "<" + SignedAddresses.origin(request) + next + ">; rel=\"next\"");
        }
        request.json(describe(at, page, expand));
    }

    /** Files by path, each alone, and folders with the files below them, which have a path that is none of theirs. */
    private static NavigableMap<String, List<HubManifest.Entry>> entries(
            HubManifest manifest, String prefix, boolean recursive) {
        var entries = new TreeMap<String, List<HubManifest.Entry>>();
        for (HubManifest.Entry file : manifest.files()) {
            String path = file.path();
            if (!path.startsWith(prefix)) {
                continue;
            }
            int slash = path.indexOf('/', prefix.length());
            for (; slash >= 0; slash = recursive ? path.indexOf('/', slash + 1) : -1) {
                entries.computeIfAbsent(path.substring(0, slash), _ -> new ArrayList<>())
                        .add(file);
            }
            if (recursive || path.indexOf('/', prefix.length()) < 0) {
                entries.put(path, List.of(file));
            }
        }
        return entries;
    }

    private List<Map<String, Object>> describe(
            Access.Revision at, Map<String, List<HubManifest.Entry>> entries, boolean expand) throws IOException {
        var commits = expand ? History.lastCommits(at, entries.keySet()) : Map.<String, Map<String, Object>>of();
        List<Map<String, Object>> described = new ArrayList<>();
        for (var entry : entries.entrySet()) {
            var object = describe(at.repository(), entry.getKey(), entry.getValue());
            if (expand) {
                object.put("lastCommit", commits.get(entry.getKey()));
            }
            described.add(object);
        }
        return described;
    }

    private Map<String, Object> describe(HubRepository repository, String path, List<HubManifest.Entry> files)
            throws IOException {
        var object = new LinkedHashMap<String, Object>();
        HubManifest.Entry file = files.getFirst();
        if (!file.path().equals(path)) {
            object.put("type", "directory");
            object.put("oid", folderName(files));
            object.put("size", 0);
            object.put("path", path);
            return object;
        }
        object.put("type", "file");
        object.put("oid", names.blobId(repository, file));
        object.put("size", file.bytes());
        object.put("path", path);
        if (FileNames.isLarge(file)) {
            object.put("lfs", FileNames.lfs("oid", file));
        }
        return object;
    }

    /** A name that changes with the content, of git's form; git's own would need its trees. */
    private static String folderName(List<HubManifest.Entry> files) {
        var digest = Hashes.sha1();
        for (HubManifest.Entry file : files) {
            digest.update((file.path() + "\0" + file.sha256() + "\n").getBytes(StandardCharsets.UTF_8));
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** Some clients send JSON, some a form. Paths that are not there are left out of the answer. */
    private void pathsInfo(Context request) throws IOException {
        var at = access.revision(request);
        Set<String> paths;
        boolean expand;
        if (request.isFormUrlencoded()) {
            paths = Set.copyOf(request.formParams("paths"));
            expand = "true".equalsIgnoreCase(request.formParam("expand"));
        } else {
            var body = JsonBody.read(request, JsonBody.MAX_BYTES);
            paths = texts(body.path("paths"));
            expand = body.path("expand").asBoolean();
        }
        if (paths.size() > MAX_PATHS) {
            throw new HubRefusal(413, "too many paths, expected at most " + MAX_PATHS);
        }
        var entries = entries(at.manifest(), "", true);
        entries.keySet().retainAll(paths);
        request.json(describe(at, entries, expand));
    }

    private static Set<String> texts(JsonNode array) throws HubRefusal {
        if (!array.isArray()) {
            throw HubRefusal.badRequest("expected paths, a list of texts");
        }
        var texts = new HashSet<String>();
        array.forEach(text -> texts.add(text.asText()));
        return texts;
    }

    private void commits(Context request) throws IOException {
        var from = access.revision(request);
        var commits = History.commits(from);
        int limit = limit(request, pageSize);
        long skipped = number(request, "p", 0) * limit;
        List<Map<String, Object>> page = new ArrayList<>();
        for (String commit : commits.stream().skip(skipped).limit(limit).toList()) {
            page.add(History.describe(from.repository(), commit));
        }
        request.header("X-Total-Count", Integer.toString(commits.size()));
        if (skipped + page.size() < commits.size()) {
            String next = request.path() + "?limit=" + limit + "&p=" + (skipped / limit + 1);
            request.header("Link", "<" + SignedAddresses.origin(request) + next + ">; rel=\"next\"");
        }
        request.json(page);
    }

    private static int limit(Context request, int most) throws HubRefusal {
        return Math.clamp(number(request, "limit", most), 1, most);
    }

    private static long number(Context request, String name, long otherwise) throws HubRefusal {
        String text = request.queryParam(name);
        if (text == null) {
            return otherwise;
        }
        if (!text.matches("[0-9]{1,9}")) {
            throw HubRefusal.badRequest("expected the number " + name + " of 0 or more");
        }
        return Long.parseLong(text);
    }
}
