package sn9.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import sn9.MalformedDataException;
import sn9.http.HttpBody;
import sn9.http.HttpReply;
import sn9.http.HttpRequest;
import sn9.http.Retry;
import sn9.subnet.RepoFilePath;
import sn9.subnet.RepoId;

/** Repositories of models: who we are, create, show or hide, and what is in them (spec/hub.md 3.1, 3.2). */
public final class HubRepos {
    /** Most files of a repository that are listed; a model has a handful. */
    private static final int MAX_FILES = 10_000;

    private static final int CREATE_TRIES = 5;

    private static final Pattern NEXT = Pattern.compile("<([^>]*)>\\s*;\\s*rel=\"?next\"?");

    private final HubClient client;
    private final Retry.Pause pause;

    HubRepos(HubClient client, Retry.Pause pause) {
        this.client = client;
        this.pause = pause;
    }

    /**
     * Who a token belongs to.
     *
     * @param name the account
     * @param role what the token may do: {@code read}, {@code write} or {@code fineGrained}; empty where the Hub does not say
     */
    record Account(String name, String role) {}

    /**
     * A repository at a revision.
     *
     * @param commit the commit that the revision stands for
     * @param paths of all files; unchecked
     */
    record Info(String commit, List<String> paths) {}

    /** The account of the token; the Hub limits this call strictly, so ask once. */
    Account whoami() throws IOException, InterruptedException {
        var answer = client.json(HttpRequest.get(client.address().call("/api/whoami-v2")));
        return new Account(
                HubException.plain(answer.path("name").asText("")),
                answer.path("auth").path("accessToken").path("role").asText(""));
    }

    /**
     * Creates a repository; one that is there already stays as it is.
     *
     * @param isPrivate whether only its owner sees it
     * @throws HubException when the token may not
     */
    void create(RepoId repo, boolean isPrivate) throws IOException, InterruptedException {
        var body = JsonNodeFactory.instance
                .objectNode()
                .put("name", repo.name())
                .put("organization", repo.namespace())
                .put("type", "model")
                .put("visibility", isPrivate ? "private" : "public");
        var request = HttpRequest.post(client.address().call("/api/repos/create"), HttpBody.json(body))
                .repeatable();
        HttpReply reply = client.exchangeWithToken(request);
        for (int tries = 1; tries < CREATE_TRIES && isConflict(reply); tries++) {
            pause.sleep(Duration.ofSeconds(1L << tries));
            reply = client.exchangeWithToken(request);
        }
        boolean exists = reply.status() == 409 && !isConflict(reply);
        boolean perhaps = reply.status() == 401 || reply.status() == 402 || reply.status() == 403;
        if (!reply.isSuccess() && !exists && !(perhaps && exists(repo))) {
            throw client.failure(reply);
        }
    }

    /** Shows a repository to everybody, or hides it. */
    public void setPrivate(RepoId repo, boolean isPrivate) throws IOException, InterruptedException {
        var body = JsonNodeFactory.instance.objectNode().put("private", isPrivate);
        client.reply(HttpRequest.put(client.address().model(repo, "/settings"), HttpBody.json(body)));
    }

    /** Whether only its owner sees a repository. */
    public boolean isPrivate(RepoId repo) throws IOException, InterruptedException {
        return client.json(HttpRequest.get(client.address().model(repo, "")))
                .path("private")
                .asBoolean(false);
    }

    /** The commit that a branch, tag or commit stands for. */
    String commit(RepoId repo, String revision) throws IOException, InterruptedException {
        return info(repo, revision).commit();
    }

    /** A repository at a revision; see {@link Info}. */
    Info info(RepoId repo, String revision) throws IOException, InterruptedException {
        var reply = client.reply(HttpRequest.get(client.address().model(repo, "revision", revision)));
        JsonNode answer = reply.json();
        String commit = answer.path("sha").asText("");
        if (!isCommit(commit)) {
            throw new MalformedDataException(reply.source(), -1, "expected the commit as sha, found none");
        }
        var paths = new ArrayList<String>();
        answer.path("siblings")
                .forEach(sibling -> paths.add(sibling.path("rfilename").asText("")));
        return new Info(commit, paths);
    }

    /** The latest commit of {@code main}; empty when there is no such repository or nothing in it. */
    Optional<Info> head(RepoId repo) throws IOException, InterruptedException {
        try {
            return Optional.of(info(repo, "main"));
        } catch (HubException e) {
            if (e.status() == 404) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /**
     * All files of a repository at a revision.
     *
     * @throws MalformedDataException when the answer is not a list of files with usable names and contents
     */
    List<HubFile> tree(RepoId repo, String revision) throws IOException, InterruptedException {
        var files = new ArrayList<HubFile>();
        Optional<String> page =
                Optional.of(client.address().model(repo, "tree", revision) + "?recursive=true&expand=false");
        while (page.isPresent()) {
            var reply = client.reply(request(page.get()));
            JsonNode entries = reply.json();
            if (!entries.isArray() || files.size() + entries.size() > MAX_FILES) {
                throw new MalformedDataException(
                        reply.source(), -1, "expected an array of at most " + MAX_FILES + " files in all pages");
            }
            for (JsonNode entry : entries) {
                if (entry.path("type").asText().equals("file")) {
                    files.add(file(reply.source(), entry));
                }
            }
            page = entries.isEmpty() ? Optional.empty() : next(reply);
        }
        return files;
    }

    /** Whether a text has the form of a commit: 40 lower-case hexadecimal digits. */
    static boolean isCommit(String text) {
        return text.matches("[0-9a-f]{40}");
    }

    private boolean exists(RepoId repo) throws IOException, InterruptedException {
        return client.exchangeWithToken(HttpRequest.get(client.address().model(repo, "")))
                .isSuccess();
    }

    private static boolean isConflict(HttpReply reply) {
        return reply.status() == 409 && reply.text().contains("conflicting operation is in progress");
    }

    private HttpRequest request(String url) throws MalformedDataException {
        try {
            return HttpRequest.get(url);
        } catch (IllegalArgumentException e) {
            throw new MalformedDataException(client.address().endpoint(), -1, "next page: " + e.getMessage(), e);
        }
    }

    /** The address of the next page, which must lie on the Hub: the token goes there. */
    private Optional<String> next(HttpReply reply) throws MalformedDataException {
        for (String link : reply.headers().values("Link")) {
            var matcher = NEXT.matcher(link);
            if (matcher.find()) {
                String url = client.address().rebased(matcher.group(1));
                if (!client.address().holds(url)) {
                    throw new MalformedDataException(reply.source(), -1, "the next page lies on another host");
                }
                return Optional.of(url);
            }
        }
        return Optional.empty();
    }

    static HubFile file(String source, JsonNode entry) throws MalformedDataException {
        String path = entry.path("path").asText("");
        var fault = RepoFilePath.fault(path);
        if (fault.isPresent()) {
            throw new MalformedDataException(
                    source, -1, "file name \"" + HubException.plain(path) + "\" " + fault.get());
        }
        JsonNode size = entry.path("size");
        long bytes =
                size.isIntegralNumber() && size.canConvertToLong() && size.longValue() >= 0 ? size.longValue() : -1;
        String oid = entry.path("lfs").path("oid").asText(entry.path("oid").asText(""));
        try {
            return new HubFile(path, bytes, new ContentId(oid.replaceFirst("^sha256:", "")));
        } catch (IllegalArgumentException e) {
            throw new MalformedDataException(source, -1, path + ": " + e.getMessage(), e);
        }
    }
}
