package sn9.localnet.hub;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Which files travel and are named as large ones (git LFS): those above 10 MiB, and those that look like weights or
 * archives by the end of their name. An empty file never is.
 */
final class LargeFiles {
    /** Most bytes of a file that is no large one. */
    static final long MAX_REGULAR_BYTES = 10 << 20;

    /** What follows the last dot; the list that the genuine Hub puts into a new model's {@code .gitattributes}. */
    private static final Set<String> ENDINGS = Set.of(
            "7z",
            "arrow",
            "bin",
            "bz2",
            "ckpt",
            "ftz",
            "gz",
            "h5",
            "joblib",
            "mlmodel",
            "model",
            "msgpack",
            "npy",
            "npz",
            "onnx",
            "ot",
            "parquet",
            "pb",
            "pickle",
            "pkl",
            "pt",
            "pth",
            "rar",
            "safetensors",
            "tar",
            "tflite",
            "tgz",
            "wasm",
            "xz",
            "zip",
            "zst");

    private LargeFiles() {}

    /** Whether a file of that path and size is a large one. */
    static boolean isLarge(String path, long bytes) {
        String ending = path.substring(path.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        return bytes > MAX_REGULAR_BYTES || bytes > 0 && path.contains(".") && ENDINGS.contains(ending);
    }

    /** The rule above as git writes it, a file of every new repository. */
    static byte[] gitAttributes() {
        return new TreeSet<>(ENDINGS)
                .stream()
                        .map(ending -> "*." + ending + " filter=lfs diff=lfs merge=lfs -text\n")
                        .collect(Collectors.joining())
                        .getBytes(StandardCharsets.UTF_8);
    }

    /** What git stores in place of a large file's content (git LFS specification, version 1). */
    static byte[] pointer(HubManifest.Entry file) {
        return ("version https://git-lfs.github.com/spec/v1\noid sha256:" + file.sha256() + "\nsize " + file.bytes()
                        + "\n")
                .getBytes(StandardCharsets.US_ASCII);
    }
}
