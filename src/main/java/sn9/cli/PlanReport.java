package sn9.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import sn9.engine.Card;
import sn9.model.Gpt2Config;
import sn9.tensor.ElementType;

/** {@code bench --plan}: a card's memory under training and evaluation, in fp32 and bf16, as a table and as JSON. */
final class PlanReport {
    private final Gpt2Config config;
    private final int B;
    private final int T;
    private final Card card;
    private final long memoryBytes;
    private final List<Column> columns = new ArrayList<>();

    private record Column(String mode, String precision, Map<String, Long> bytes, int largestBatch) {}

    PlanReport(Gpt2Config config, int B, int T, Card card, long memoryBytes) {
        this.config = config;
        this.B = B;
        this.T = T;
        this.card = card;
        this.memoryBytes = memoryBytes;
        for (boolean training : new boolean[] {true, false}) {
            for (ElementType precision : List.of(ElementType.F32, ElementType.BF16)) {
                var plan = new MemoryPlan(config, T, card, training, precision);
                columns.add(new Column(
                        training ? "train" : "eval",
                        precision == ElementType.F32 ? "fp32" : "bf16",
                        plan.bytes(B),
                        plan.largestBatch(memoryBytes)));
            }
        }
    }

    /** MiB of every part in each mode, the sum, and the largest batch. */
    Table table() {
        var headings = new ArrayList<>(List.of("MiB"));
        columns.forEach(column -> headings.add(column.mode + " " + column.precision));
        var table = new Table(
                "%d/%d/%d, B=%d, T=%d, on %s of %.1f GiB, of which %.1f are left to the driver"
                        .formatted(
                                config.nLayer(),
                                config.nHead(),
                                config.nEmbd(),
                                B,
                                T,
                                card,
                                memoryBytes / (double) (1 << 30),
                                MemoryPlan.DRIVER_BYTES / (double) (1 << 30)),
                headings.toArray(String[]::new));
        var labels = new LinkedHashSet<String>();
        columns.forEach(column -> labels.addAll(column.bytes.keySet()));
        for (String label : labels) {
            row(table, label, column -> mebibytes(column.bytes.get(label)));
        }
        row(table, "all", column -> mebibytes(MemoryPlan.total(column.bytes)));
        row(table, "largest batch", column -> column.largestBatch);
        return table;
    }

    private interface Cell {
        Object of(Column column);
    }

    private void row(Table table, String label, Cell cell) {
        var cells = new ArrayList<Object>(List.of(label));
        columns.forEach(column -> cells.add(cell.of(column)));
        table.row(cells.toArray());
    }

    private static String mebibytes(Long bytes) {
        return bytes == null ? null : "%.1f".formatted(bytes / (double) (1 << 20));
    }

    /** The same for programs, in bytes. */
    Map<String, Object> json() {
        var answer = new LinkedHashMap<String, Object>();
        answer.put("mode", "plan");
        answer.put("card", card.toString());
        answer.put("memory_bytes", memoryBytes);
        answer.put("driver_bytes", MemoryPlan.DRIVER_BYTES);
        answer.put("n_layer", config.nLayer());
        answer.put("n_head", config.nHead());
        answer.put("n_embd", config.nEmbd());
        answer.put("vocab_size", config.vocabSize());
        answer.put("batch_size", B);
        answer.put("sequence_length", T);
        var plans = new ArrayList<Map<String, Object>>();
        for (Column column : columns) {
            var plan = new LinkedHashMap<String, Object>();
            plan.put("mode", column.mode);
            plan.put("precision", column.precision);
            plan.put("bytes", MemoryPlan.total(column.bytes));
            plan.put("parts", column.bytes);
            plan.put("largest_batch", column.largestBatch);
            plans.add(plan);
        }
        answer.put("plans", plans);
        return answer;
    }
}
