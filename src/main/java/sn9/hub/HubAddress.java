package sn9.hub;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import sn9.http.HttpRequest;
import sn9.subnet.RepoId;

/**
 * Where a Hub is, and the addresses of its calls for models (spec/hub.md 1).
 *
 * @param endpoint {@code https://host}, without a slash at the end
 */
record HubAddress(String endpoint) {
    /** The Hub everybody knows. */
    static final String DEFAULT = "https://huggingface.co";

    /** Drops slashes at the end; throws {@link IllegalArgumentException} when it is no http or https address. */
    HubAddress {
        endpoint = endpoint.strip().replaceFirst("/+$", "");
        HttpRequest.get(endpoint);
    }

    /** A call that names no repository, such as {@code /api/whoami-v2}. */
    String call(String path) {
        return endpoint + path;
    }

    /** {@code /api/models/<repo>} and what follows it. */
    String model(RepoId repo, String rest) {
        return endpoint + "/api/models/" + repo + rest;
    }

    /** A call on a revision, which is one step of the path whatever slashes it holds. */
    String model(RepoId repo, String call, String revision) {
        return model(repo, "/" + call + "/" + step(revision));
    }

    /** Where a file is read. */
    String resolve(RepoId repo, String revision, String path) {
        var address = new StringBuilder(endpoint + "/" + repo + "/resolve/" + step(revision));
        for (String part : path.split("/", -1)) {
            address.append('/').append(step(part));
        }
        return address.toString();
    }

    /** Where uploads of large objects are agreed on. */
    String lfsBatch(RepoId repo) {
        return endpoint + "/" + repo + ".git/info/lfs/objects/batch";
    }

    /** Addresses that a Hub behind another name gives of itself lead to that name. */
    String rebased(String href) {
        return href.startsWith(DEFAULT + "/") ? endpoint + href.substring(DEFAULT.length()) : href;
    }

    /** Whether an address lies on this Hub, which alone may see the token. */
    boolean holds(String href) {
        return href.startsWith(endpoint + "/");
    }

    private static String step(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
