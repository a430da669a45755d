package sn9.localnet.hub;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * By which hash the protocol names a file: large ones by their SHA-256 and by git's name of the pointer to them, others by
 * git's name of their content. The latter needs the content; the last ones are remembered. Any thread may use it.
 */
final class FileNames {
    private static final int REMEMBERED = 10_000;

    private final Map<String, String> gitNames = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
            return size() > REMEMBERED;
        }
    };

    static boolean isLarge(HubManifest.Entry file) {
        return LargeFiles.isLarge(file.path(), file.bytes());
    }

    /** Git's name of what git would store: the content, or the pointer to a large one. */
    String blobId(HubRepository repository, HubManifest.Entry file) throws IOException {
        if (isLarge(file)) {
            return Hashes.gitBlob(LargeFiles.pointer(file));
        }
        synchronized (gitNames) {
            String known = gitNames.get(file.sha256());
            if (known != null) {
                return known;
            }
        }
        String name = Hashes.gitBlob(repository.blob(file.sha256()), file.bytes());
        synchronized (gitNames) {
            gitNames.put(file.sha256(), name);
        }
        return name;
    }

    /** The hash that a client compares with its own: SHA-256 of a large file, git's name of another. */
    String contentId(HubRepository repository, HubManifest.Entry file) throws IOException {
        return isLarge(file) ? file.sha256() : blobId(repository, file);
    }

    /** The field {@code lfs} of a large file in listings. */
    static Map<String, Object> lfs(String hashField, HubManifest.Entry file) {
        var lfs = new LinkedHashMap<String, Object>();
        lfs.put(hashField, file.sha256());
        lfs.put("size", file.bytes());
        lfs.put("pointerSize", LargeFiles.pointer(file).length);
        return lfs;
    }
}
