package sn9.engine;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Finds the native libraries: in the folder that the system property {@code sn9.native.dir} names (a development build's
 * {@code target/native}), else in the jar, from where they are unpacked once into {@code $XDG_CACHE_HOME/sn9/<build>}, or
 * into the folder that {@code sn9.native.cache} names where that one must not hold programs. libdnnl and libgomp lie
 * beside our own library, which opens the one and links to the other by relative path.
 */
final class NativeLibrary {
    static final String DIR_PROPERTY = "sn9.native.dir";
    static final String CACHE_PROPERTY = "sn9.native.cache";

    /** What the CPU library finds beside it; the CUDA library needs nothing but the driver. */
    private static final Map<String, List<String>> COMPANIONS =
            Map.of("libsn9cpu.so", List.of("libgomp.so.1", "libdnnl.so.3"));
    /** Spins of an idle OpenMP thread: endless spinning starves other threads, none costs 50 us a region. */
    private static final String SPIN_COUNT = "10000";

    private NativeLibrary() {}

    /** Whether this build has a library. */
    static boolean exists(String name) {
        String file = "lib" + name + ".so";
        String folder = System.getProperty(DIR_PROPERTY);
        return folder != null && !folder.isEmpty()
                ? Files.isRegularFile(Path.of(folder, file))
                : NativeLibrary.class.getResource("/native/" + platform() + "/" + file) != null;
    }

    /**
     * The path of a library, ready to be opened.
     *
     * @param name {@code sn9cpu}
     * @throws EngineException when this platform has none, or unpacking fails
     */
    static Path locate(String name) {
        String file = "lib" + name + ".so";
        setSpinCount();
        String folder = System.getProperty(DIR_PROPERTY);
        if (folder != null && !folder.isEmpty()) {
            Path path = Path.of(folder, file).toAbsolutePath();
            if (!Files.isRegularFile(path)) {
                throw new EngineException(path + " is missing (" + DIR_PROPERTY + " names its folder): build it with "
                        + "scripts/build-native.sh");
            }
            return path;
        }
        String resources = "/native/" + platform() + "/";
        try (InputStream library = NativeLibrary.class.getResourceAsStream(resources + file)) {
            if (library == null) {
                throw new EngineException("this jar carries no " + file + " for " + platform()
                        + "; build the jar on this machine with ./mvnw package");
            }
            return unpack(resources, file, library.readAllBytes());
        } catch (IOException e) {
            throw new EngineException(
                    "the native libraries cannot be unpacked into " + cache() + ": " + e.getMessage() + ". Name a "
                            + "folder that may hold programs with -D" + CACHE_PROPERTY + "=DIR",
                    e);
        }
    }

    private static Path unpack(String resources, String file, byte[] library) throws IOException {
        Path cache = cache();
        Files.createDirectories(cache.getParent());
        if (!Files.isDirectory(cache)) {
            makePrivate(cache);
        }
        Path folder = cache.resolve(HexFormat.of().formatHex(sha256(library), 0, 12));
        if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
            Path temporary = Files.createTempDirectory(cache, "unpacking");
            Files.write(temporary.resolve(file), library);
            for (String companion : COMPANIONS.getOrDefault(file, List.of())) {
                try (InputStream in = NativeLibrary.class.getResourceAsStream(resources + companion)) {
                    if (in != null) {
                        Files.copy(in, temporary.resolve(companion));
                    }
                }
            }
            try {
                Files.move(temporary, folder, StandardCopyOption.ATOMIC_MOVE);
            } catch (FileAlreadyExistsException | DirectoryNotEmptyException e) {
                discard(temporary); // another process was first
            }
        }
        expectOwn(folder);
        return folder.resolve(file);
    }

    /** Code of somebody else's is not run: the folder must belong to this user and be closed to others. */
    private static void expectOwn(Path folder) throws IOException {
        String owner = Files.getOwner(folder, LinkOption.NOFOLLOW_LINKS).getName();
        String user = System.getProperty("user.name");
        String mode = PosixFilePermissions.toString(Files.getPosixFilePermissions(folder, LinkOption.NOFOLLOW_LINKS));
        if (!owner.equals(user) || !mode.endsWith("------")) {
            throw new IOException(folder + " belongs to " + owner + " with mode " + mode + ", expected " + user
                    + " and rwx------; remove it");
        }
    }

    private static void makePrivate(Path folder) throws IOException {
        try {
            Files.createDirectory(
                    folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        } catch (FileAlreadyExistsException e) {
            // made by another process just now
        }
    }

    private static void discard(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            for (Path path : files.toList()) {
                Files.delete(path);
            }
        }
        Files.delete(folder);
    }

    private static Path cache() {
        String named = System.getProperty(CACHE_PROPERTY);
        if (named != null && !named.isEmpty()) {
            return Path.of(named).toAbsolutePath();
        }
        String xdg = System.getenv("XDG_CACHE_HOME");
        Path base = xdg != null && !xdg.isEmpty() ? Path.of(xdg) : Path.of(System.getProperty("user.home"), ".cache");
        return base.resolve("sn9").toAbsolutePath();
    }

    private static String platform() {
        String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String arch = System.getProperty("os.arch").replace("amd64", "x86_64");
        return os + "-" + arch;
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** libgomp reads its settings when it is loaded, from the environment of the process; a user's own value stays. */
    @SuppressWarnings("restricted")
    private static void setSpinCount() {
        var linker = Linker.nativeLinker();
        var setenv = linker.defaultLookup().find("setenv");
        if (setenv.isEmpty()) {
            return;
        }
        var handle = linker.downcallHandle(
                setenv.get(),
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
        try (Arena arena = Arena.ofConfined()) {
            int ignored =
                    (int) handle.invokeExact(arena.allocateFrom("GOMP_SPINCOUNT"), arena.allocateFrom(SPIN_COUNT), 0);
        } catch (Throwable e) {
            throw OpsLibrary.unexpected(e);
        }
    }
}
