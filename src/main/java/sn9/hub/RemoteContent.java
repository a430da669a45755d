package sn9.hub;

import java.io.IOException;
import java.util.OptionalLong;
import sn9.MalformedDataException;
import sn9.http.HttpReply;
import sn9.http.HttpRequest;
import sn9.http.HttpRequest.Redirects;
import sn9.subnet.RepoId;

/**
 * What the Hub says of one file before it is read (spec/hub.md 3.4).
 *
 * @param url where it is read
 * @param name for people: {@code repo@commit/path}
 * @param commit the commit that the revision stands for
 * @param content what its bytes must be
 * @param bytes its size
 */
record RemoteContent(String url, String name, String commit, ContentId content, long bytes) {
    /**
     * Asks for a file's headers. Storage is not asked: the Hub's own answer names size and content.
     *
     * @throws HubException when repository, revision or file do not exist, or the token may not see them
     * @throws MalformedDataException when the answer lacks commit, content or size, or names another commit
     */
    static RemoteContent of(HubClient client, RepoId repo, String revision, String path)
            throws IOException, InterruptedException {
        String url = client.address().resolve(repo, revision, path);
        HttpReply reply = client.exchangeWithToken(
                HttpRequest.head(url).header("Accept-Encoding", "identity").redirects(Redirects.RELATIVE_ONLY));
        boolean redirected = reply.status() >= 300 && reply.status() <= 399;
        if (!reply.isSuccess() && !redirected) {
            throw client.failure(reply);
        }
        var headers = reply.headers();
        String commit = headers.value("X-Repo-Commit").orElse("");
        if (!HubRepos.isCommit(commit)) {
            throw malformed(reply, "expected the commit as X-Repo-Commit, found none");
        }
        if (HubRepos.isCommit(revision) && !revision.equals(commit)) {
            throw malformed(reply, "asked for commit " + revision + ", found " + commit);
        }
        ContentId content = headers.value("X-Linked-ETag")
                .or(() -> headers.value("ETag"))
                .flatMap(ContentId::ofEtag)
                .orElseThrow(() -> malformed(reply, "expected a SHA-256 or SHA-1 as ETag, found none"));
        var linked = headers.number("X-Linked-Size");
        var own = redirected ? OptionalLong.empty() : headers.number("Content-Length");
        long bytes = linked.orElseGet(() -> own.orElse(-1));
        if (bytes < 0) {
            throw malformed(reply, "expected the size as X-Linked-Size or Content-Length, found none");
        }
        return new RemoteContent(url, repo + "@" + revision + "/" + path, commit, content, bytes);
    }

    private static MalformedDataException malformed(HttpReply reply, String reason) {
        return new MalformedDataException(reply.source(), -1, reason);
    }
}
