package sn9.localnet.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import sn9.files.FileTree;
import sn9.subnet.RepoId;

/**
 * All repositories of a local network, {@code hub/<namespace>/<name>}. No namespace begins with a dot: the folders that
 * do are the server's ({@code .tokens}, {@code .key}) and those being deleted.
 */
final class HubFolder {
    private static final String DELETED = ".deleted-";

    private final Path root;

    private HubFolder(Path root) {
        this.root = root;
    }

    /** Opens a local network's Hub, creating its folder where there is none. */
    static HubFolder open(Path localnetDir) throws IOException {
        return new HubFolder(Files.createDirectories(localnetDir.resolve("hub")));
    }

    Path root() {
        return root;
    }

    /** The repository of that name, which need not exist. */
    HubRepository repository(RepoId id) {
        return new HubRepository(id, root.resolve(id.namespace()).resolve(id.name()));
    }

    /** Deletes a repository with all it holds: it is gone at once, its space a little later. */
    void delete(RepoId id) throws IOException, InterruptedException {
        Path gone = root.resolve(DELETED + UUID.randomUUID());
        repository(id).moveTo(gone);
        FileTree.delete(gone);
    }

    /** Deletes what a process left that ended while it deleted. */
    void finishDeletions() throws IOException {
        try (var left = Files.newDirectoryStream(root, DELETED + "*")) {
            for (Path folder : left) {
                FileTree.delete(folder);
            }
        }
    }
}
