package sn9.localnet.hub;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.UUID;
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
        deleteTree(gone);
    }

    /** Deletes what a process left that ended while it deleted. */
    void finishDeletions() throws IOException {
        try (var left = Files.newDirectoryStream(root, DELETED + "*")) {
            for (Path folder : left) {
                deleteTree(folder);
            }
        }
    }

    /** Deletes a folder with all it holds; whatever others delete meanwhile is no fault. */
    private static void deleteTree(Path folder) throws IOException {
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
                if (failure instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw failure;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, IOException failure) throws IOException {
                if (failure != null) {
                    throw failure;
                }
                Files.deleteIfExists(visited);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
