package sn9.hub;

import java.util.Optional;
import sn9.subnet.RemoteModelStore.RemoteFile;

/**
 * A file of a repository at a commit.
 *
 * @param path relative, with forward slashes; checked
 * @param bytes its true size; -1 when the Hub does not say
 * @param content what its bytes must be
 */
record HubFile(String path, long bytes, ContentId content) {
    RemoteFile toRemoteFile() {
        return new RemoteFile(path, bytes, content.isSha256() ? Optional.of(content.hex()) : Optional.empty());
    }
}
