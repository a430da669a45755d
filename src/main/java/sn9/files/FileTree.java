package sn9.files;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;

/** Directories with all that is in them; links are never followed. */
public final class FileTree {
    private static final int CREATE_ATTEMPTS = 100;

    private FileTree() {}

    /**
     * Creates a directory and those above it, where they are missing, also where others delete and create them meanwhile.
     *
     * @return the directory
     * @throws FileAlreadyExistsException when something else has its name, or that of one above
     */
    public static Path create(Path directory) throws IOException {
        for (int attempt = 1; ; attempt++) {
            try {
                return Files.createDirectories(directory);
            } catch (FileAlreadyExistsException | NoSuchFileException e) {
                // One may have been there, and been deleted before it was seen to be a directory, or before the next
                // was made.
                if (attempt == CREATE_ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    /** What a directory holds; nothing when there is none. */
    public static List<Path> children(Path directory) throws IOException {
        if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
            return List.of();
        }
        try (var entries = Files.newDirectoryStream(directory)) {
            var children = new ArrayList<Path>();
            entries.forEach(children::add);
            return children;
        }
    }

    /** The latest change of a directory or of anything in it. */
    public static Instant newest(Path directory) throws IOException {
        var newest = new Instant[] {Instant.EPOCH};
        walk(directory, (path, attributes) -> {
            Instant changed = attributes.lastModifiedTime().toInstant();
            newest[0] = changed.isAfter(newest[0]) ? changed : newest[0];
        });
        return newest[0];
    }

    /** Bytes of all files below a directory, those with several names counted once. */
    public static long size(Path directory) throws IOException {
        var files = new HashMap<Object, Long>(); // by inode, where there are any: a link takes no room
        walk(directory, (path, attributes) -> {
            if (attributes.isRegularFile()) {
                files.put(attributes.fileKey() == null ? path : attributes.fileKey(), attributes.size());
            }
        });
        return files.values().stream().mapToLong(Long::longValue).sum();
    }

    private interface Visit {
        void visit(Path path, BasicFileAttributes attributes);
    }

    /** Visits everything below a directory; what disappears meanwhile is passed over. */
    private static void walk(Path directory, Visit visit) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        Files.walkFileTree(directory, new Passing() {
            @Override
            public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes) {
                visit.visit(path, attributes);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path path, BasicFileAttributes attributes) {
                visit.visit(path, attributes);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /** Deletes a directory and all in it, if it is there; what others delete meanwhile is no fault. */
    public static void delete(Path directory) throws IOException {
        if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        Files.walkFileTree(directory, new Passing() {
            @Override
            public FileVisitResult visitFile(Path path, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(path);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path path, IOException e) throws IOException {
                if (e != null) {
                    throw e;
                }
                Files.deleteIfExists(path);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /** Passes over what disappears meanwhile. */
    private abstract static class Passing extends SimpleFileVisitor<Path> {
        @Override
        public FileVisitResult visitFileFailed(Path path, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
                return FileVisitResult.CONTINUE;
            }
            throw e;
        }
    }
}
