package sn9.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.MalformedDataException;
import sn9.model.Gpt2Config;
import sn9.model.ParameterShapes;
import sn9.tensor.ElementType;

/**
 * Ten million bytes of damaged files, each derived from a good one by a fixed seed, end in a value or in a
 * {@link MalformedDataException}, and no input makes a reader allocate out of proportion to its size.
 */
class MutationTest {
    private static final long BYTES_PER_FORMAT = 6_000_000;
    private static final long FIXED_ALLOCATION = 8 << 20; // parser buffers, and classes loaded on the way
    private static final long ALLOCATION_PER_BYTE = 64;
    private static final Gpt2Config SHAPE = new Gpt2Config(3, 2, 4, 1, 2, 1e-5f);

    /** Fragments that turn up where a parser has to decide something. */
    private static final String[] FRAGMENTS = {
        "{",
        "}",
        "[",
        "]",
        "\"",
        ",",
        ":",
        "-",
        "0",
        "-1",
        "1e999",
        "0.5",
        "9223372036854775807",
        "18446744073709551616",
        "null",
        "true",
        "\\u0000",
        "\\ud800",
        "\"dtype\":",
        "\"shape\":",
        "\"data_offsets\":",
        "\"__metadata__\":{}",
        "\"F32\"",
        "\"BF16\"",
        "\"F4\"",
        "[4294967296,4294967296]",
        "[[[[[[[[",
        "{\"a\":{\"a\":{\"a\":",
        "\u00e9",
        " ",
    };

    @TempDir
    Path folder;

    private interface Reader {
        void read(byte[] bytes) throws MalformedDataException;
    }

    @Test
    void damagedSafetensorsAreAValueOrMalformed() throws IOException {
        Path file = folder.resolve("model.safetensors");
        Safetensors.write(
                file,
                Map.of("format", "pt"),
                ParameterShapes.of(SHAPE).entrySet().stream()
                        .map(e -> SafetensorsBytes.zeros(e.getKey(), ElementType.F32, e.getValue()))
                        .toList());
        pushThrough(Files.readAllBytes(file), new Random(1), bytes -> {
            SafetensorsHeader header = SafetensorsHeader.parse("mutant", MemorySegment.ofArray(bytes));
            Gpt2Tensors.resolve("mutant", SHAPE, header.tensors(), header.otherTensors());
        });
    }

    @Test
    void damagedConfigsAreAValueOrMalformed() throws IOException {
        Path file = folder.resolve("config.json");
        HfConfig.of(SHAPE, ElementType.F32).write(file);
        pushThrough(
                Files.readAllBytes(file),
                new Random(2),
                bytes -> HfConfigReader.read(
                        "mutant", StrictJson.readObject("mutant", ByteBuffer.wrap(bytes), HfConfigReader.BOUNDS)));
    }

    @Test
    void damagedIndexesAreAValueOrMalformed() {
        var index = new StringBuilder("{\"metadata\":{\"total_size\":1},\"weight_map\":{");
        for (String name : ParameterShapes.of(SHAPE).keySet()) {
            index.append('"').append(name).append("\":\"model-00001-of-00002.safetensors\",");
        }
        byte[] good = index.append("\"last\":\"a.safetensors\"}}").toString().getBytes(StandardCharsets.UTF_8);
        pushThrough(good, new Random(3), bytes -> {
            ShardIndex read =
                    ShardIndex.of("mutant", StrictJson.readObject("mutant", ByteBuffer.wrap(bytes), ShardIndex.BOUNDS));
            for (String file : read.files()) {
                assertThat(file).endsWith(".safetensors").doesNotContain("/").doesNotStartWith(".");
            }
        });
    }

    @Test
    void damagedStateDictsAreAValueOrMalformed() throws IOException {
        byte[] good = Files.readAllBytes(Path.of("src/test/resources/golden/torch/types.pth"));
        // Loads the classes of both outcomes, whose switches over types are built at their first use.
        assertThat(TorchPickle.parse("good", MemorySegment.ofArray(good)).tensors())
                .isNotEmpty();
        assertThatThrownBy(() -> Pickle.read("bad", TorchBytes.pickle().ops("]").stop()))
                .isInstanceOf(MalformedDataException.class);
        pushThrough(good, new Random(4), bytes -> TorchPickle.parse("mutant", MemorySegment.ofArray(bytes)));
    }

    private static void pushThrough(byte[] good, Random random, Reader reader) {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long pushed = 0;
        int accepted = 0;
        int refused = 0;
        while (pushed < BYTES_PER_FORMAT) {
            byte[] bytes = mutate(good, random);
            long before = threads.getCurrentThreadAllocatedBytes();
            try {
                reader.read(bytes);
                accepted++;
            } catch (MalformedDataException e) {
                refused++;
            }
            assertThat(threads.getCurrentThreadAllocatedBytes() - before)
                    .isLessThan(FIXED_ALLOCATION + ALLOCATION_PER_BYTE * bytes.length);
            pushed += bytes.length;
        }
        assertThat(accepted).as("mutants that are still good").isPositive();
        assertThat(refused).as("mutants that are not").isGreaterThan(accepted);
    }

    private static byte[] mutate(byte[] good, Random random) {
        byte[] bytes = good.clone();
        for (int change = random.nextInt(4); change >= 0; change--) {
            int at = random.nextInt(bytes.length + 1);
            bytes = switch (random.nextInt(7)) {
                case 0 -> flip(bytes, random);
                case 1 -> Arrays.copyOf(bytes, at);
                case 2 -> splice(bytes, at, at, FRAGMENTS[random.nextInt(FRAGMENTS.length)]);
                case 3 -> splice(bytes, at, Math.min(bytes.length, at + random.nextInt(20)), "");
                case 4 ->
                    splice(
                            bytes,
                            at,
                            at,
                            new String(bytes, at, Math.min(bytes.length - at, 200), StandardCharsets.ISO_8859_1));
                case 5 -> lieAboutLength(bytes, random);
                default -> changeDigit(bytes, random);
            };
            if (bytes.length == 0) {
                return bytes;
            }
        }
        return bytes;
    }

    private static byte[] flip(byte[] bytes, Random random) {
        bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
        return bytes;
    }

    private static byte[] splice(byte[] bytes, int from, int to, String middle) {
        byte[] inserted = middle.getBytes(StandardCharsets.ISO_8859_1);
        return ByteBuffer.allocate(from + inserted.length + bytes.length - to)
                .put(bytes, 0, from)
                .put(inserted)
                .put(bytes, to, bytes.length - to)
                .array();
    }

    private static byte[] lieAboutLength(byte[] bytes, Random random) {
        if (bytes.length >= 8) {
            long length = random.nextBoolean() ? random.nextInt(2 * bytes.length) : random.nextLong();
            ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
        }
        return bytes;
    }

    /** Keeps the JSON well-formed, so that the lie reaches the checks behind the parser. */
    private static byte[] changeDigit(byte[] bytes, Random random) {
        int start = random.nextInt(bytes.length);
        for (int i = start; i < bytes.length; i++) {
            if (bytes[i] >= '0' && bytes[i] <= '9') {
                bytes[i] = (byte) ('0' + random.nextInt(10));
                break;
            }
        }
        return bytes;
    }
}
