import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Kernels as rows; what differs by architecture stands side by side in a cell. */
final class Table {
    private final Map<String, List<Kernel>> rows;
    private final List<String> archs;

    /** kernels: in the order of rows. */
    Table(List<Kernel> kernels, List<String> archs) {
        this.rows = kernels.stream()
                .collect(
                        Collectors.groupingBy(k -> k.file() + " " + k.name(), LinkedHashMap::new, Collectors.toList()));
        this.archs = archs;
    }

    int rows() {
        return rows.size();
    }

    /** For a terminal. */
    String plain() {
        int name = rows.values().stream()
                .mapToInt(row -> row.getFirst().name().length())
                .max()
                .orElse(1);
        int wide = Math.max(4 * archs.size(), 20);
        String format = "%-22s %-" + name + "s %7s %13s  %-" + wide + "s  %s%n";
        String names = archs.stream().map("%4s"::formatted).collect(Collectors.joining());
        StringBuilder text = new StringBuilder(
                format.formatted("file", "kernel", "threads", "shared", "registers", "blocks per processor"));
        text.append(format.formatted("", "", "", "", names, names));
        for (List<Kernel> row : rows.values()) {
            Kernel any = row.getFirst();
            String registers = each(row, "%4s", Kernel::registers), blocks = each(row, "%4s", Table::blocks);
            text.append(format.formatted(any.file(), any.name(), any.threads(), shared(any), registers, blocks));
        }
        return text.toString();
    }

    /** For docs/kernels.md. */
    String markdown() {
        String names = String.join(" / ", archs);
        StringBuilder text = new StringBuilder(
                "| kernel | threads | shared bytes | registers, sm_%s | blocks per processor |%n".formatted(names));
        text.append("| --- | --- | --- | --- | --- |\n");
        for (List<Kernel> row : rows.values()) {
            Kernel any = row.getFirst();
            String registers = each(row, " / %s", Kernel::registers), blocks = each(row, " / %s", Table::blocks);
            text.append("| `%s` | %d | %s | %s | %s |%n"
                    .formatted(any.name(), any.threads(), shared(any), registers.substring(3), blocks.substring(3)));
        }
        return text.toString();
    }

    private static String shared(Kernel kernel) {
        return kernel.staticShared() + " + " + kernel.dynamicShared();
    }

    private static int blocks(Kernel kernel) {
        return Gpu.of(kernel.arch()).occupancy(kernel);
    }

    /** A value of the row per architecture, - where the kernel is not compiled for it. */
    private String each(List<Kernel> row, String format, Function<Kernel, Integer> value) {
        return archs.stream()
                .map(arch -> row.stream().filter(k -> k.arch().equals(arch)).findFirst())
                .map(kernel -> format.formatted(
                        kernel.map(k -> value.apply(k).toString()).orElse("-")))
                .collect(Collectors.joining());
    }
}
