package sn9.checkpoint;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import sn9.files.AtomicFiles;

/** A directory of files that is replaced as a whole. One writer at a time. */
final class AtomicDirectory {
    private AtomicDirectory() {}

    /** Fills a new, empty directory; every file is expected to be synced. */
    interface Content {
        /** Writes all files; may throw half way, which leaves the directory to be replaced as it was. */
        void writeTo(Path fresh) throws IOException;
    }

    /**
     * Builds {@code .NAME.new} beside the directory, then moves the present one to {@code .NAME.old} and the new one into
     * its place. No rename replaces a directory that is not empty, so there is a moment with none of that name; a crash
     * just then is repaired by the next call.
     *
     * @param replaced which of the present files are the content's to replace, by name; the others are carried over
     * @throws IOException when writing failed; the directory is then as it was before, and nothing is left beside it
     */
    static void replace(Path dir, Predicate<String> replaced, Content content) throws IOException {
        Path target =
                Files.exists(dir) ? dir.toRealPath() : dir.toAbsolutePath().normalize();
        Path parent = target.getParent();
        if (parent == null) {
            throw new FileAlreadyExistsException(dir + ": the root directory cannot be replaced");
        }
        Files.createDirectories(parent);
        Path fresh = parent.resolve("." + target.getFileName() + ".new");
        Path old = parent.resolve("." + target.getFileName() + ".old");
        repair(target, fresh, old);
        List<Path> kept = othersIn(target, replaced);
        try {
            Files.createDirectory(fresh);
            content.writeTo(fresh);
            for (Path file : kept) {
                Path copy = fresh.resolve(file.getFileName());
                Files.copy(file, copy, StandardCopyOption.COPY_ATTRIBUTES);
                AtomicFiles.sync(copy);
            }
            AtomicFiles.sync(fresh);
            swap(target, fresh, old);
        } finally {
            deleteFlat(fresh);
        }
        AtomicFiles.sync(parent);
        deleteFlat(old);
    }

    /** Where a directory's content is: beside its place between the renames of a replacement, and after a crash just then. */
    static Path present(Path dir) {
        Path target = dir.toAbsolutePath().normalize();
        if (Files.exists(dir) || target.getFileName() == null) {
            return dir;
        }
        Path old = target.resolveSibling("." + target.getFileName() + ".old");
        return Files.isDirectory(old) ? old : dir;
    }

    /** Cleans up after a crash of an earlier call: before, between or after its renames. */
    private static void repair(Path target, Path fresh, Path old) throws IOException {
        if (Files.exists(old) && !Files.exists(target)) {
            Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
        }
        deleteFlat(old);
        deleteFlat(fresh);
    }

    /** The files to carry over; refuses whatever is no plain file, so that no tree is ever swapped out by mistake. */
    private static List<Path> othersIn(Path target, Predicate<String> replaced) throws IOException {
        var others = new ArrayList<Path>();
        if (!Files.exists(target)) {
            return others;
        }
        if (!Files.isDirectory(target)) {
            throw new FileAlreadyExistsException(target + " is a file, expected a directory or nothing there");
        }
        try (Stream<Path> entries = Files.list(target)) {
            for (Path entry : (Iterable<Path>) entries::iterator) {
                if (!Files.isRegularFile(entry)) {
                    throw new FileAlreadyExistsException(target + " holds " + entry.getFileName()
                            + ", which is no plain file; " + "expected a directory of files only, give another one");
                }
                if (!replaced.test(entry.getFileName().toString())) {
                    others.add(entry);
                }
            }
        }
        return others;
    }

    private static void swap(Path target, Path fresh, Path old) throws IOException {
        boolean present = Files.exists(target);
        if (present) {
            Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
        }
        try {
            Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            if (present) {
                Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
            }
            throw e;
        }
    }

    /** Deletes a directory of files, if it is there. */
    private static void deleteFlat(Path dir) throws IOException {
        if (!Files.exists(dir)) {
            return;
        }
        try (Stream<Path> entries = Files.list(dir)) {
            for (Path entry : (Iterable<Path>) entries::iterator) {
                Files.delete(entry);
            }
        }
        Files.delete(dir);
    }
}
