package sn9.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JsonLinesSinkTest {
    @TempDir
    Path dir;

    @Test
    void appendsOneLineARowAndFlushesIt() throws Exception {
        var file = dir.resolve("run/metrics.jsonl");
        try (var sink = JsonLinesSink.append(file)) {
            sink.row("step", Map.of("step", 1L));
            assertThat(Files.readString(file)).as("before close").isEqualTo("{\"kind\":\"step\",\"step\":1}\n");
        }
        try (var sink = JsonLinesSink.append(file)) {
            sink.row("step", Map.of("step", 2L));
        }
        assertThat(Files.readAllLines(file)).hasSize(2).last().isEqualTo("{\"kind\":\"step\",\"step\":2}");
    }

    @Test
    void nonFiniteNumbersBecomeNullWithAReason() throws Exception {
        var file = dir.resolve("metrics.jsonl");
        var values = new TreeMap<String, Object>();
        values.put("a", Double.NaN);
        values.put("b", List.of(1.0, Float.NEGATIVE_INFINITY));
        values.put("c", Map.of("inner", Double.POSITIVE_INFINITY));
        values.put("d", new float[] {0.5f, Float.NaN});
        values.put("e", new double[][] {{1}, {Double.NaN}});
        try (var sink = JsonLinesSink.append(file)) {
            sink.row("odd", values);
        }
        var row = new ObjectMapper().readTree(Files.readString(file));
        assertThat(row.get("a").isNull()).isTrue();
        assertThat(row.get("a_reason").asText()).isEqualTo("not a number");
        assertThat(row.get("b_reason").asText()).isEqualTo("[1] is minus infinite");
        assertThat(row.get("c").get("inner_reason").asText()).isEqualTo("infinite");
        assertThat(row.get("d_reason").asText()).isEqualTo("[1] is not a number");
        assertThat(row.get("e_reason").asText()).isEqualTo("[1][0] is not a number");
    }

    @Test
    void closesALineThatACrashCutShort() throws Exception {
        var file = Files.writeString(dir.resolve("metrics.jsonl"), "{\"kind\":\"st");
        try (var sink = JsonLinesSink.append(file)) {
            sink.row("step", Map.of());
        }
        assertThat(Files.readAllLines(file)).containsExactly("{\"kind\":\"st", "{\"kind\":\"step\"}");
    }

    @Test
    void sinksGetEveryRowInOrderAndAreAllClosed() throws Exception {
        var events = new ArrayList<String>();
        var sinks = new MetricsSinks(List.of(recording("a", events), recording("b", events)));
        sinks.row("step", Map.of());
        assertThatThrownBy(sinks::close).isInstanceOf(IOException.class).hasMessage("a");
        assertThat(events).containsExactly("a step", "b step", "a closed", "b closed");
    }

    private static MetricsSink recording(String name, List<String> events) {
        return new MetricsSink() {
            @Override
            public void row(String kind, Map<String, ?> values) {
                events.add(name + " " + kind);
            }

            @Override
            public void close() throws IOException {
                events.add(name + " closed");
                throw new IOException(name);
            }
        };
    }
}
