package sn9.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import sn9.subnet.RepoFilePath;

/**
 * A file on its way to a repository.
 *
 * @param path its name there
 * @param file where it lies
 * @param bytes its size
 */
record UploadFile(String path, Path file, long bytes) {
    /** More files than any model has. */
    private static final int MAX_FILES = 10_000;

    /** What the Hub looks at to tell text from data. */
    private static final int SAMPLE_BYTES = 512;

    /**
     * The regular files below a directory, by name.
     *
     * @throws IOException when it holds a link, another special file, an unusable name, or nothing
     */
    static List<UploadFile> in(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            throw new IOException(directory + " is not a directory, nothing to upload");
        }
        var files = new TreeMap<String, UploadFile>();
        Path start = directory.toRealPath();
        Files.walkFileTree(start, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                if (!attributes.isRegularFile()) {
                    throw new IOException(file + " is a link or a special file; a repository takes regular files only");
                }
                String path = start.relativize(file).toString();
                Optional<String> fault = RepoFilePath.fault(path);
                if (fault.isPresent()) {
                    throw new IOException("the path " + path + " " + fault.get() + "; rename it");
                }
                files.put(path, new UploadFile(path, file, attributes.size()));
                if (files.size() > MAX_FILES) {
                    throw new IOException(directory + " holds more than " + MAX_FILES + " files");
                }
                return FileVisitResult.CONTINUE;
            }
        });
        if (files.isEmpty()) {
            throw new IOException(directory + " holds no files, nothing to upload");
        }
        return List.copyOf(files.values());
    }

    /** The first bytes, in base64. */
    String sample() throws IOException {
        try (InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
            return Base64.getEncoder().encodeToString(in.readNBytes(SAMPLE_BYTES));
        }
    }
}
