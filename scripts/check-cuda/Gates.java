import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The expectations of gates.txt, which explains itself, and whether a kernel meets them. */
final class Gates {
    private static final Set<String> WORDS =
            Set.of("mma", "cp.async", "load16", "store16", "f64", "small", "probe", "wgmma", "ldmatrix", "sm_90a");
    /** A kernel of nothing takes some 4 to 8 registers, the smallest that works 16. */
    private static final int HOT_REGISTERS = 24, SMALL_REGISTERS = 12, PROBE_REGISTERS = 0;

    private final List<Line> lines = new ArrayList<>();
    private final Set<Line> used = new HashSet<>();

    private record Line(int number, String glob, Pattern pattern, Set<String> words) {}

    Gates(Path file) throws IOException {
        int number = 0;
        for (String text : Files.readAllLines(file)) {
            number++;
            String plain = text.replaceFirst("#.*", "").strip();
            if (plain.isEmpty()) continue;
            String[] parts = plain.split("\\s+:\\s*", 2);
            Set<String> words = parts.length < 2 || parts[1].isBlank() ? Set.of() : Set.of(parts[1].split("\\s+"));
            if (!WORDS.containsAll(words)) {
                throw new IOException(file + ":" + number + ": words are " + WORDS + ", found " + words);
            }
            String regex =
                    Stream.of(parts[0].split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*"));
            lines.add(new Line(number, parts[0], Pattern.compile(regex), words));
        }
    }

    /** What is wrong with the kernel, a sentence each. */
    List<String> check(Kernel kernel) {
        Gpu gpu = Gpu.of(kernel.arch());
        List<String> wrong = new ArrayList<>();
        Line line = lines.stream()
                .filter(l -> l.pattern.matcher(kernel.name()).matches())
                .findFirst()
                .orElse(null);
        if (line == null) {
            wrong.add("no line of gates.txt is about this kernel: add one");
            return wrong;
        }
        used.add(line);
        if (line.words.contains("sm_90a") && !kernel.arch().equals("90a")) {
            if (kernel.count("trap") == 0) wrong.add("no trap in place of what only sm_90a has");
            return wrong;
        }
        resources(kernel, gpu, line, wrong);
        instructions(kernel, line, wrong);
        return wrong;
    }

    /** Lines that no kernel matched. */
    List<String> unused() {
        return lines.stream()
                .filter(line -> !used.contains(line))
                .map(line -> "gates.txt:" + line.number + ": no kernel is called " + line.glob + ": remove the line")
                .toList();
    }

    private static void resources(Kernel kernel, Gpu gpu, Line line, List<String> wrong) {
        if (kernel.stack() > 0) {
            wrong.add(kernel.stack() + " bytes of stack, expected none: an array is indexed by what is not known at"
                    + " compile time; is a loop not unrolled?");
        }
        if (kernel.spills() > 0) {
            wrong.add(kernel.spills()
                    + " bytes of spilled registers, expected none: fewer blocks in the launch bounds, or"
                    + " a smaller tile");
        }
        int least = line.words.contains("probe")
                ? PROBE_REGISTERS
                : line.words.contains("small") ? SMALL_REGISTERS : HOT_REGISTERS;
        if (kernel.registers() <= least) {
            wrong.add(kernel.registers() + " registers, expected more than " + least + ": does an architecture guard"
                    + " leave nothing of it?");
        }
        if (kernel.threads() == 0) {
            wrong.add("no launch bounds");
            return;
        }
        int together = Gpu.registersOfBlock(kernel.registers(), kernel.threads()) * kernel.leastBlocks();
        if (together > Gpu.REGISTERS) {
            wrong.add("%d registers x %d threads x %d blocks take %d registers, a processor has %d"
                    .formatted(kernel.registers(), kernel.threads(), kernel.leastBlocks(), together, Gpu.REGISTERS));
        }
        if (!kernel.statesDynamic()) {
            wrong.add("uses dynamic shared memory that it does not state: give SN9_DYNAMIC_SHARED the bytes");
        }
        if (kernel.shared() > gpu.sharedPerBlock()) {
            wrong.add("%d + %d bytes of shared memory, static and dynamic; a block has %d"
                    .formatted(kernel.staticShared(), kernel.dynamicShared(), gpu.sharedPerBlock()));
        }
    }

    private static void instructions(Kernel kernel, Line line, List<String> wrong) {
        if (kernel.count("local") > 0) wrong.add(kernel.count("local") + " uses of local memory in PTX, expected none");
        if (kernel.count("call") > 0) wrong.add(kernel.count("call") + " calls, expected none: not all is inlined");
        if (kernel.count("float atomic") > 0) {
            wrong.add(kernel.count("float atomic")
                    + " floating atomics: their order, and so the sum's bits, changes from" + " run to run");
        }
        expect(kernel, line, Set.of("f64"), "f64", wrong);
        expect(kernel, line, Set.of("mma", "wgmma"), "mma", wrong);
        expect(kernel, line, Set.of("mma", "ldmatrix"), "ldmatrix", wrong);
        expect(kernel, line, Set.of("cp.async"), "cp.async", wrong);
        for (String word : List.of("load16", "store16")) {
            if (line.words.contains(word) && kernel.count(word) == 0)
                wrong.add("no 16-byte " + word.substring(0, word.length() - 2) + "s of global memory");
        }
    }

    /** A kind of instruction is there if, and only if, one of the words is. */
    private static void expect(Kernel kernel, Line line, Set<String> words, String kind, List<String> wrong) {
        boolean meant = words.stream().anyMatch(line.words::contains);
        if (meant && kernel.count(kind) == 0) wrong.add("no " + kind + " instructions, which it is meant to use");
        if (!meant && kernel.count(kind) > 0) {
            wrong.add(kernel.count(kind) + " " + kind + " instructions, which it is not meant to use");
        }
    }
}
