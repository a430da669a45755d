package sn9.subnet;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import sn9.RemoteCallException;

/** The files of a published model, both ways: a repository with commits. */
public interface RemoteModelStore {
    /**
     * A file of a repository at a commit.
     *
     * @param path relative, with forward slashes
     * @param bytes its size; -1 when the remote does not say, which no rule set takes
     * @param sha256 of its content, 64 lower-case hexadecimal digits, where the remote says
     */
    record RemoteFile(String path, long bytes, Optional<String> sha256) {
        /** A file of unknown content. */
        public RemoteFile(String path, long bytes) {
            this(path, bytes, Optional.empty());
        }
    }

    /**
     * Uploads the regular files of a directory as one commit, creating the repository when it is missing.
     *
     * @param repoId {@code namespace/name}
     * @return the commit, 40 hexadecimal digits
     */
    String upload(String repoId, Path directory) throws IOException, InterruptedException;

    /**
     * All files of a repository at a commit, README and the like included.
     *
     * @throws RemoteCallException not retryable when the repository or the commit does not exist
     * @throws sn9.MalformedDataException when the answer is not a list of files
     */
    List<RemoteFile> files(String repoId, String commit) throws IOException, InterruptedException;

    /**
     * Downloads one file whole: it appears at {@code target} complete or not at all.
     *
     * @param maxBytes refuse a larger file, before and while reading
     * @throws RemoteCallException not retryable when the repository, the commit or the file does not exist
     * @throws sn9.MalformedDataException when the file is larger, or its content is not what the commit says
     */
    void download(String repoId, String commit, String path, Path target, long maxBytes)
            throws IOException, InterruptedException;
}
