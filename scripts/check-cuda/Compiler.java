import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/** nvcc, and what it made of a file for an architecture, kept by the hash of what that depends on. */
final class Compiler {
    private static final Pattern INCLUDE = Pattern.compile("(?m)^\\s*#\\s*include\\s+\"([^\"]+)\"");

    private final String nvcc;
    private final String version;
    private final Path options;
    private final List<Path> includes;
    private final Path kept;

    /** What the compiler left. ptx: the file's; log: what ptxas printed. */
    record Output(String ptx, String log) {}

    /** options: a file of flags, as the build uses; includes: searched for #include "..." after the file's folder. */
    Compiler(String nvcc, Path options, List<Path> includes, Path kept) throws IOException, InterruptedException {
        this.nvcc = nvcc;
        this.options = options;
        this.includes = includes;
        this.kept = Files.createDirectories(kept);
        this.version = run(List.of(nvcc, "--version"), "");
    }

    /** nvcc, from PATH, CUDA_HOME, CUDA_PATH or /usr/local/cuda; null where there is none. */
    static String find() {
        return Stream.concat(
                        Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
                                .map(Path::of),
                        Stream.of(System.getenv("CUDA_HOME"), System.getenv("CUDA_PATH"), "/usr/local/cuda")
                                .filter(home -> home != null && !home.isEmpty())
                                .map(home -> Path.of(home, "bin")))
                .map(folder -> folder.resolve("nvcc"))
                .filter(Files::isExecutable)
                .map(Path::toString)
                .findFirst()
                .orElse(null);
    }

    /** Whether this nvcc makes code for a compute capability. It lists 90 and knows 90a, too. */
    boolean knows(String arch) throws IOException, InterruptedException {
        return run(List.of(nvcc, "--list-gpu-code"), "").lines().anyMatch(("sm_" + arch.replace("a", ""))::equals);
    }

    Output compile(Path file, String arch) throws IOException, InterruptedException {
        Path ptx = kept.resolve(key(file, arch) + ".ptx.gz"), log = kept.resolve(key(file, arch) + ".log");
        if (!Files.exists(log)) {
            Path work = Files.createTempDirectory(kept, "work");
            try {
                List<String> command = new ArrayList<>(List.of(
                        nvcc, "--options-file", options.toString(), "-arch=sm_" + arch, "-cubin", "-Xptxas=-v"));
                command.addAll(List.of(
                        "--keep",
                        "--keep-dir",
                        work.toString(),
                        "-o",
                        work.resolve("cubin").toString()));
                includes.forEach(folder -> command.addAll(List.of("-I", folder.toString())));
                command.add(file.toString());
                String printed = run(command, "");
                String name = file.getFileName().toString().replace(".cu", ".ptx");
                try (var out = new GZIPOutputStream(Files.newOutputStream(work.resolve("ptx.gz")))) {
                    Files.copy(work.resolve(name), out);
                }
                Files.writeString(work.resolve("log"), printed);
                Files.move(
                        work.resolve("ptx.gz"),
                        ptx,
                        StandardCopyOption.ATOMIC_MOVE,
                        StandardCopyOption.REPLACE_EXISTING);
                Files.move(
                        work.resolve("log"), log, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                delete(work);
            }
        }
        try (var in = new GZIPInputStream(Files.newInputStream(ptx))) {
            return new Output(new String(in.readAllBytes(), StandardCharsets.ISO_8859_1), Files.readString(log));
        }
    }

    /** What a command prints; stops with it when the command fails. */
    static String run(List<String> command, String input) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        Thread.startVirtualThread(() -> {
            try (var to = process.getOutputStream()) {
                new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)).transferTo(to);
            } catch (IOException gone) {
                process.destroy(); // it ended early: its exit status says why
            }
        });
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + "\nended with " + process.exitValue() + ":\n" + printed);
        }
        return printed;
    }

    /** The hash of the file, all that it includes, the compiler, its flags and the architecture. */
    private String key(Path file, String arch) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(
                    (version + arch + file.getFileName() + Files.readString(options)).getBytes(StandardCharsets.UTF_8));
            for (Path part : closure(file)) digest.update(Files.readAllBytes(part));
            return HexFormat.of().formatHex(digest.digest(), 0, 16);
        } catch (NoSuchAlgorithmException missing) {
            throw new IllegalStateException(missing);
        }
    }

    private TreeSet<Path> closure(Path file) throws IOException {
        TreeSet<Path> found = new TreeSet<>(List.of(file));
        List<Path> open = new ArrayList<>(found);
        while (!open.isEmpty()) {
            Path next = open.removeLast();
            Matcher include = INCLUDE.matcher(Files.readString(next));
            while (include.find()) {
                String name = include.group(1);
                Stream.concat(Stream.of(next.getParent()), includes.stream())
                        .map(folder -> folder.resolve(name))
                        .filter(Files::exists)
                        .findFirst()
                        .filter(found::add)
                        .ifPresent(open::add);
            }
        }
        return found;
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted((a, b) -> b.compareTo(a)).forEach(path -> {
                try {
                    Files.delete(path);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }
}
