package sn9.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.http.HttpBody;
import sn9.http.HttpRequest;
import sn9.http.Retry;
import sn9.hub.CommitRequest.LargeFile;
import sn9.subnet.RepoId;

/**
 * Brings a directory into a repository as one commit: asks how each file is to go, stores the large ones, commits
 * (spec/hub.md 3.3). A commit whose answer was lost is looked for before another one is made.
 */
final class HubUpload {
    private static final Logger LOG = LoggerFactory.getLogger(HubUpload.class);

    private static final String SUMMARY = "Upload GPT2LMHeadModel"; // as the reference says
    private static final int FILES_A_CALL = 100;
    private static final int COMMIT_TRIES = 4;

    /** Files that, left over from another model, would be taken for parts of this one. */
    private static final Pattern MODEL_FILE =
            Pattern.compile("config\\.json|generation_config\\.json|model[^/]*\\.safetensors(\\.index\\.json)?");

    private final HubClient client;
    private final HubRepos repos;
    private final LfsUpload lfs;
    private final Retry.Pause pause;

    HubUpload(HubClient client, HubRepos repos, LfsUpload lfs, Retry.Pause pause) {
        this.pause = pause;
        this.client = client;
        this.repos = repos;
        this.lfs = lfs;
    }

    /**
     * Uploads the regular files of a directory to {@code main}. Files that are there already are not sent again, and when
     * all are, no commit is made. Files of a model that the directory lacks are deleted; others stay.
     *
     * @return the commit that holds them
     * @throws HubException when the Hub refuses, in its words
     */
    String run(RepoId repo, Path directory) throws IOException, InterruptedException {
        List<UploadFile> files = UploadFile.in(directory);
        var head = repos.head(repo);
        var modes = preupload(repo, files);
        var inline = new ArrayList<UploadFile>();
        var large = new ArrayList<LargeFile>();
        for (UploadFile file : files) {
            Mode mode = modes.get(file.path());
            boolean isLarge = mode.large && file.bytes() > 0;
            ContentId content = isLarge ? ContentId.sha256(file.file()) : ContentId.gitSha1(file.file());
            if (mode.ignored) {
                LOG.warn("event=ignored repo={} path={} the repository's .gitignore leaves it out", repo, file.path());
            } else if (mode.present.equals(Optional.of(content.hex()))) {
                LOG.debug("repo={} path={} is there already", repo, file.path());
            } else if (isLarge) {
                large.add(new LargeFile(file, content));
            } else {
                inline.add(file);
            }
        }
        var request = new CommitRequest(SUMMARY, head.map(HubRepos.Info::commit), inline, large, stale(head, files));
        if (request.isEmpty() && head.isPresent()) {
            return head.get().commit();
        }
        lfs.store(repo, large);
        return commit(repo, request);
    }

    /**
     * How a file is to go.
     *
     * @param large through LFS
     * @param ignored not at all
     * @param present the content that the repository has under this name
     */
    private record Mode(boolean large, boolean ignored, Optional<String> present) {}

    private Map<String, Mode> preupload(RepoId repo, List<UploadFile> files) throws IOException, InterruptedException {
        var modes = new HashMap<String, Mode>();
        for (int from = 0; from < files.size(); from += FILES_A_CALL) {
            var asked = files.subList(from, Math.min(files.size(), from + FILES_A_CALL));
            var body = JsonNodeFactory.instance.objectNode();
            var array = body.putArray("files");
            for (UploadFile file : asked) {
                array.addObject()
                        .put("path", file.path())
                        .put("size", file.bytes())
                        .put("sample", file.sample());
            }
            var reply = client.reply(
                    HttpRequest.post(client.address().model(repo, "preupload", "main"), HttpBody.json(body))
                            .repeatable());
            for (JsonNode answer : reply.json().path("files")) {
                modes.put(answer.path("path").asText(""), mode(reply.source(), answer));
            }
            for (UploadFile file : asked) {
                if (!modes.containsKey(file.path())) {
                    throw new MalformedDataException(
                            reply.source(), -1, "expected an upload mode for " + file.path() + ", found none");
                }
            }
        }
        return modes;
    }

    private static Mode mode(String source, JsonNode answer) throws MalformedDataException {
        String mode = answer.path("uploadMode").asText("");
        if (!mode.equals("lfs") && !mode.equals("regular")) {
            throw new MalformedDataException(
                    source, -1, "upload mode is \"" + HubException.plain(mode) + "\", expected lfs or regular");
        }
        return new Mode(
                mode.equals("lfs"),
                answer.path("shouldIgnore").asBoolean(false),
                Optional.of(answer.path("oid").asText("")).filter(oid -> !oid.isEmpty()));
    }

    private static List<String> stale(Optional<HubRepos.Info> head, List<UploadFile> files) {
        var present = files.stream().map(UploadFile::path).toList();
        return head.stream()
                .flatMap(info -> info.paths().stream())
                .filter(path -> MODEL_FILE.matcher(path).matches() && !present.contains(path))
                .toList();
    }

    /** Commits. Whenever it is unknown whether that happened, the branch tells. */
    private String commit(RepoId repo, CommitRequest request) throws IOException, InterruptedException {
        var call = HttpRequest.post(
                client.address().model(repo, "commit", "main"),
                HttpBody.of(CommitRequest.CONTENT_TYPE, request.toLines()));
        for (int tries = 1; ; tries++) {
            try {
                var reply = client.reply(call);
                String commit = reply.json().path("commitOid").asText("");
                if (!HubRepos.isCommit(commit)) {
                    throw new MalformedDataException(reply.source(), -1, "expected commitOid, found none");
                }
                return commit;
            } catch (RemoteCallException e) {
                boolean moved = e instanceof HubException refusal && refusal.status() == 412;
                if (!e.retryable() && !moved) {
                    throw e;
                }
                var head = repos.head(repo);
                if (head.isPresent() && holds(repo, head.get().commit(), request)) {
                    LOG.info(
                            "event=commit_found repo={} commit={} its answer was lost",
                            repo,
                            head.get().commit());
                    return head.get().commit();
                }
                if (moved
                        || tries >= COMMIT_TRIES
                        || !head.map(HubRepos.Info::commit).equals(request.parent())) {
                    throw e;
                }
                LOG.info("event=commit_again repo={} reason=\"{}\"", repo, e.getMessage());
                pause.sleep(Duration.ofSeconds(1L << tries));
            }
        }
    }

    private boolean holds(RepoId repo, String commit, CommitRequest request) throws IOException, InterruptedException {
        var contents = new HashMap<String, ContentId>();
        repos.tree(repo, commit).forEach(file -> contents.put(file.path(), file.content()));
        for (UploadFile file : request.inline()) {
            if (!ContentId.gitSha1(file.file()).equals(contents.get(file.path()))) {
                return false;
            }
        }
        return request.large().stream().allMatch(file -> file.content()
                        .equals(contents.get(file.file().path())))
                && request.deleted().stream().noneMatch(contents::containsKey);
    }
}
