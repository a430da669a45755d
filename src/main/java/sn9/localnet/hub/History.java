package sn9.localnet.hub;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The commits of a repository, newest first, in the forms of the protocol. */
final class History {
    private static final String NO_TITLE = "Upload";

    private History() {}

    /** All commits from one back to the first. */
    static List<String> commits(Access.Revision from) throws IOException {
        List<String> commits = new ArrayList<>();
        Optional<String> commit = Optional.of(from.commit());
        while (commit.isPresent()) {
            commits.add(commit.get());
            commit = from.repository().manifest(commit.get()).parent();
        }
        return commits;
    }

    /** A commit as lists of commits show it. */
    static Map<String, Object> describe(HubRepository repository, String commit) throws IOException {
        var manifest = repository.manifest(commit);
        var described = summary(repository, commit, manifest);
        described.put(
                "message", manifest.note().map(HubManifest.Note::description).orElse(""));
        described.put("authors", List.of(Map.of("user", repository.id().namespace(), "avatar", "")));
        return described;
    }

    /** Which commit brought each of some paths to its present content, a folder's being that of its latest file. */
    static Map<String, Map<String, Object>> lastCommits(Access.Revision at, Set<String> paths) throws IOException {
        var found = new HashMap<String, Map<String, Object>>();
        Set<String> open = new LinkedHashSet<>(paths);
        Optional<String> commit = Optional.of(at.commit());
        HubManifest manifest = at.manifest();
        while (commit.isPresent() && !open.isEmpty()) {
            Optional<String> parent = manifest.parent();
            HubManifest before = parent.isPresent() ? at.repository().manifest(parent.get()) : null;
            var summary = summary(at.repository(), commit.get(), manifest);
            for (String path : List.copyOf(open)) {
                if (before == null || !under(manifest, path).equals(under(before, path))) {
                    found.put(path, summary);
                    open.remove(path);
                }
            }
            commit = parent;
            manifest = before;
        }
        return found;
    }

    private static List<HubManifest.Entry> under(HubManifest manifest, String path) {
        return manifest.files().stream()
                .filter(file -> file.path().equals(path) || file.path().startsWith(path + "/"))
                .toList();
    }

    private static Map<String, Object> summary(HubRepository repository, String commit, HubManifest manifest)
            throws IOException {
        var summary = new LinkedHashMap<String, Object>();
        summary.put("id", commit);
        summary.put("title", manifest.note().map(HubManifest.Note::title).orElse(NO_TITLE));
        summary.put("date", repository.date(commit, manifest).toString());
        return summary;
    }
}
