import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The checks of check-cuda.sh, which says how to call it. */
public final class CheckCuda {
    /** ptxas: wgmma instructions run one after another. Its exit status stays 0. */
    private static final Pattern SERIALISED = Pattern.compile("(?m)^.*\\bC75(?:04|08|09|1\\d)\\b.*$");

    private final Map<String, String> options;
    private final Path root;
    private final List<String> failures = new ArrayList<>();

    private CheckCuda(Map<String, String> options) {
        this.options = options;
        this.root = Path.of(options.get("root"));
    }

    /** See check-cuda.sh. */
    public static void main(String[] args) throws IOException, InterruptedException {
        Map<String, String> options = new HashMap<>(Map.of("archs", String.join(",", Gpu.names())));
        for (int i = 0; i < args.length; i++) {
            String name = args[i].replaceFirst("^--", "");
            boolean flag = name.equals("markdown");
            if (!List.of("root", "archs", "file", "source", "library", "jobs", "markdown")
                            .contains(name)
                    || (!flag && i + 1 == args.length)) {
                System.err.println("check-cuda: unknown option, or none of its value: " + args[i]);
                System.exit(2);
            }
            options.put(name, flag ? "" : args[++i]);
        }
        String nvcc = Compiler.find();
        if (nvcc == null) {
            System.out.println("check-cuda: skipped, no nvcc: put it into PATH or set CUDA_HOME");
            return;
        }
        try {
            System.exit(new CheckCuda(options).run(nvcc) ? 0 : 1);
        } catch (IOException | IllegalArgumentException e) {
            System.err.println("check-cuda: " + e.getMessage());
            System.exit(2);
        }
    }

    private boolean run(String nvcc) throws IOException, InterruptedException {
        Path source = Path.of(
                        options.getOrDefault("source", root.resolve("cuda").toString()))
                .toAbsolutePath();
        List<Path> includes = List.of(source, root.resolve("native/include"), root.resolve("native/common"));
        var compiler = new Compiler(
                nvcc, root.resolve("cmake/cuda/nvcc-options.txt"), includes, root.resolve("target/check-cuda"));
        List<String> archs = architectures(compiler);
        var gates = new Gates(root.resolve("scripts/check-cuda/gates.txt"));

        List<Kernel> kernels = kernels(compiler, files(source), archs);
        for (Kernel kernel : kernels) {
            gates.check(kernel)
                    .forEach(wrong -> failures.add(
                            kernel.file() + ", sm_" + kernel.arch() + ", " + kernel.name() + ": " + wrong));
        }
        if (!options.containsKey("file")) {
            failures.addAll(gates.unused());
            checkLibrary();
        }
        var table = new Table(kernels, archs);
        System.out.print(options.containsKey("markdown") ? table.markdown() : table.plain());
        failures.forEach(failure -> System.out.println("FAILED " + failure));
        System.out.printf(
                "check-cuda: %d kernels for sm_%s: %s%n",
                table.rows(),
                String.join(", ", archs),
                failures.isEmpty() ? "all as expected" : failures.size() + " failures");
        return failures.isEmpty();
    }

    private List<String> architectures(Compiler compiler) throws IOException, InterruptedException {
        List<String> archs = new ArrayList<>();
        for (String arch : options.get("archs").split("[,; ]+")) {
            Gpu.of(arch);
            if (compiler.knows(arch)) archs.add(arch);
            else System.out.println("check-cuda: this nvcc makes no code for sm_" + arch + ": left out");
        }
        if (archs.isEmpty()) throw new IOException("no architecture is left of " + options.get("archs"));
        return archs;
    }

    /** The files, in the order of their names. */
    private List<Path> files(Path source) throws IOException {
        List<String> only =
                options.containsKey("file") ? Arrays.asList(options.get("file").split(",")) : null;
        try (Stream<Path> all = Files.list(source)) {
            List<Path> files = all.filter(path -> path.toString().endsWith(".cu"))
                    .filter(path -> only == null
                            || only.contains(path.getFileName().toString().replace(".cu", "")))
                    .sorted()
                    .toList();
            if (files.size() < (only == null ? 1 : only.size())) {
                throw new IOException(
                        "expected " + (only == null ? "*" : only) + ".cu in " + source + ", found " + files);
            }
            return files;
        }
    }

    private List<Kernel> kernels(Compiler compiler, List<Path> files, List<String> archs)
            throws IOException, InterruptedException {
        int jobs = Integer.parseInt(options.getOrDefault(
                "jobs", Integer.toString(Runtime.getRuntime().availableProcessors())));
        record Job(Path file, String arch, Future<Compiler.Output> output) {}
        List<Job> started = new ArrayList<>();
        try (ExecutorService pool = Executors.newFixedThreadPool(jobs)) {
            for (Path file : files) {
                for (String arch : archs) {
                    started.add(new Job(file, arch, pool.submit(() -> compiler.compile(file, arch))));
                }
            }
        }
        Map<String, String> names = new HashMap<>();
        List<Kernel> kernels = new ArrayList<>();
        for (Job job : started) {
            String file = job.file.getFileName().toString();
            Compiler.Output output = finished(job.output);
            Matcher serialised = SERIALISED.matcher(output.log());
            while (serialised.find())
                failures.add(
                        file + ", sm_" + job.arch + ": " + serialised.group().strip());
            names.putAll(demangled(output.ptx()));
            kernels.addAll(Kernel.parse(file, job.arch, output.ptx(), output.log(), names::get));
        }
        kernels.sort(Comparator.comparing(Kernel::file).thenComparing(Kernel::name));
        return kernels;
    }

    private static Compiler.Output finished(Future<Compiler.Output> output) throws IOException, InterruptedException {
        try {
            return output.get();
        } catch (ExecutionException failed) {
            throw new IOException(failed.getCause().getMessage(), failed);
        }
    }

    private static Map<String, String> demangled(String ptx) throws IOException, InterruptedException {
        List<String> symbols = Pattern.compile("\\.entry (\\w+)\\(")
                .matcher(ptx)
                .results()
                .map(m -> m.group(1))
                .toList();
        if (symbols.isEmpty()) return Map.of();
        List<String> plain = Compiler.run(List.of("c++filt"), String.join("\n", symbols) + "\n")
                .lines()
                .toList();
        Map<String, String> names = new LinkedHashMap<>();
        for (int i = 0; i < symbols.size(); i++) names.put(symbols.get(i), plain.get(i));
        return names;
    }

    /** GPUs newer than all that the library was compiled for need PTX, and compute_80 is what all of them can use. */
    private void checkLibrary() throws IOException {
        Path library = Path.of(options.getOrDefault(
                "library", root.resolve("target/native/libsn9cuda.so").toString()));
        if (!Files.exists(library) && !options.containsKey("library")) {
            System.out.println("check-cuda: " + library + " is not built, so its PTX is not looked for;"
                    + " SN9_CUDA=on sh scripts/build-native.sh builds it");
            return;
        }
        TreeSet<String> found = Fatbin.contents(library);
        System.out.printf("%s: %s, %.1f MB%n", library, found, Files.size(library) / 1e6);
        if (!found.contains("compute_80")) failures.add(library + ": expected PTX for compute_80, found " + found);
    }
}
