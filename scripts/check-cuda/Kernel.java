import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the compiler made of one kernel: limits and instructions from its PTX, resources from what ptxas reports.
 *
 * @param name as a person writes it: {@code gemm_kernel<(Layout)0, bf16, Forward<bf16>>}
 * @param threads of a block, as its launch bounds say; 0 without launch bounds
 * @param leastBlocks that a multiprocessor must hold, as the launch bounds say
 * @param dynamicShared most bytes that the kernel says it is launched with
 * @param statesDynamic false where it uses dynamic shared memory and does not say how much
 * @param instructions how often each kind that {@link #KINDS} names is there
 */
record Kernel(
        String file,
        String arch,
        String name,
        int threads,
        int leastBlocks,
        int registers,
        int stack,
        int spills,
        int staticShared,
        int dynamicShared,
        boolean statesDynamic,
        Map<String, Integer> instructions) {

    /** Kinds of instructions, by PTX mnemonic (or a directive). */
    static final Map<String, Pattern> KINDS = Map.of(
            "mma", Pattern.compile("(mma\\.sync|wgmma\\.mma_async)\\..*"),
            "ldmatrix", Pattern.compile("ldmatrix\\..*"),
            "cp.async", Pattern.compile("cp\\.async\\.cg\\.shared\\.global.*|cp\\.async\\.bulk\\..*"),
            "load16", Pattern.compile("ld\\.global\\..*(v4\\.[buf]32|v2\\.[buf]64|v8\\.[buf]32)"),
            "store16", Pattern.compile("st\\.global\\..*(v4\\.[buf]32|v2\\.[buf]64|v8\\.[buf]32)"),
            "local", Pattern.compile("(ld|st)\\.local.*|\\.local"),
            "f64", Pattern.compile("(?!ld\\.|st\\.|mov\\.).*\\.f64"),
            "float atomic", Pattern.compile("(atom|red)\\..*\\.(bf16|f16|f32|f64)(x2)?"),
            "trap", Pattern.compile("trap;?"),
            "call", Pattern.compile("call(\\..*)?"));

    private static final Pattern ENTRY = Pattern.compile("\\.entry (\\w+)\\(");
    private static final Pattern MNEMONIC = Pattern.compile("^\\s*(?:@!?%\\w+\\s+)?([a-z.][\\w.:]*)");
    private static final Pattern DYNAMIC = Pattern.compile("// sn9: at most (\\d+) bytes of dynamic shared memory");
    private static final Pattern PROPERTIES = Pattern.compile(
            "Function properties for (\\w+)\\s+(\\d+) bytes stack frame, (\\d+) bytes spill stores, (\\d+) bytes spill"
                    + " loads\\s+ptxas info\\s+: Used (\\d+) registers(?:, used \\d+ barriers)?"
                    + "(?:, (\\d+) bytes cumulative stack size)?(?:, (\\d+) bytes smem)?");

    /** Bytes of shared memory of a block. */
    int shared() {
        return staticShared + dynamicShared;
    }

    int count(String kind) {
        return instructions.getOrDefault(kind, 0);
    }

    /** Every kernel of a file's PTX. log: what ptxas printed of it; demangle: a symbol's name. */
    static List<Kernel> parse(String file, String arch, String ptx, String log, UnaryOperator<String> demangle) {
        Map<String, MatchResult> resources = new HashMap<>();
        Matcher properties = PROPERTIES.matcher(log);
        while (properties.find()) {
            resources.put(properties.group(1), properties.toMatchResult());
        }
        List<Kernel> kernels = new ArrayList<>();
        Matcher entry = ENTRY.matcher(ptx);
        while (entry.find()) {
            String symbol = entry.group(1);
            int end = ptx.indexOf("\n}", entry.end());
            MatchResult used = resources.get(symbol);
            if (end < 0 || used == null) {
                throw new IllegalStateException(file + ", sm_" + arch + ": ptxas says nothing of " + symbol);
            }
            kernels.add(kernel(file, arch, shortName(demangle.apply(symbol)), ptx.substring(entry.end(), end), used));
        }
        return kernels;
    }

    private static Kernel kernel(String file, String arch, String name, String body, MatchResult used) {
        Map<String, Integer> instructions = new HashMap<>();
        body.lines()
                .map(MNEMONIC::matcher)
                .filter(Matcher::find)
                .map(line -> line.group(1))
                .forEach(mnemonic -> KINDS.forEach((kind, pattern) -> {
                    if (pattern.matcher(mnemonic).matches()) instructions.merge(kind, 1, Integer::sum);
                }));
        Matcher dynamic = DYNAMIC.matcher(body);
        boolean states = dynamic.find();
        return new Kernel(
                file,
                arch,
                name,
                product(body, "\\.maxntid (\\d+)(?:, (\\d+), (\\d+))?"),
                Math.max(1, product(body, "\\.minnctapersm (\\d+)")),
                Integer.parseInt(used.group(5)),
                Integer.parseInt(used.group(2)),
                Integer.parseInt(used.group(3)) + Integer.parseInt(used.group(4)),
                used.group(7) == null ? 0 : Integer.parseInt(used.group(7)),
                states ? Integer.parseInt(dynamic.group(1)) : 0,
                states || !body.contains("sn9_dynamic"),
                instructions);
    }

    /** The product of a directive's numbers, 0 where it is not there. */
    private static int product(String body, String directive) {
        Matcher found = Pattern.compile(directive).matcher(body);
        if (!found.find()) return 0;
        int product = 1;
        for (int i = 1; i <= found.groupCount(); i++) {
            if (found.group(i) != null) product *= Integer.parseInt(found.group(i));
        }
        return product;
    }

    private static String shortName(String demangled) {
        String plain = demangled
                .replace("(anonymous namespace)::", "")
                .replace("sn9::", "")
                .replaceFirst("^void ", "");
        int depth = 0;
        for (int i = 0; i < plain.length(); i++) {
            char c = plain.charAt(i);
            if (c == '<') depth++;
            if (c == '>') depth--;
            if (c == '(' && depth == 0) return plain.substring(0, i).replace("> >", ">>");
        }
        return plain;
    }
}
