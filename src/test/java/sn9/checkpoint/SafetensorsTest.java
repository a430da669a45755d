package sn9.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;
import static sn9.checkpoint.SafetensorsBytes.entry;
import static sn9.checkpoint.SafetensorsBytes.file;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import sn9.MalformedDataException;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

class SafetensorsTest {
    @TempDir
    Path folder;

    static Stream<Arguments> lies() {
        String good = entry("a", "F32", "[2]", "[0,8]");
        return Stream.of(
                arguments("7 bytes", new byte[7], "at least 8 bytes"),
                arguments("N of 2^63", withLength(0x8000_0000_0000_0000L), "found a length of 9223372036854775808"),
                arguments("N one above the bound", withLength(100_000_001), "at most 100000000 bytes"),
                arguments("N past the end", withLength(1000), "the file ends after"),
                arguments("N of 0", file("", 0), "starts with {"),
                arguments("a blank before the header", file(" {}", 0), "starts with {"),
                arguments("a list", file("[]", 0), "starts with {"),
                arguments("UTF-16", file("{}".getBytes(StandardCharsets.UTF_16LE), 0), "not the JSON expected"),
                arguments(
                        "Latin-1",
                        file("{\"\u00e9\":1}".getBytes(StandardCharsets.ISO_8859_1), 0),
                        "byte 10: not UTF-8"),
                arguments("cut JSON", file("{" + good, 8), "not the JSON expected"),
                arguments("text after it", file("{" + good + "} x", 8), "not the JSON expected"),
                arguments("a second object", file("{" + good + "} {}", 8), "nothing but blanks"),
                arguments("a comment", file("{/**/" + good + "}", 8), "not the JSON expected"),
                arguments("duplicate tensors", file("{" + good + "," + good + "}", 8), "Duplicate field 'a'"),
                arguments("duplicate fields", file("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 8), "Duplicate"),
                arguments("duplicate metadata", file("{\"__metadata__\":{\"k\":\"\",\"k\":\"\"}}", 0), "Duplicate"),
                arguments("metadata of numbers", file("{\"__metadata__\":{\"k\":1}}", 0), "expected VALUE_STRING"),
                arguments("metadata as text", file("{\"__metadata__\":\"pt\"}", 0), "expected START_OBJECT"),
                arguments("deep nesting", file("{\"a\":" + "[".repeat(50_000), 0), "START_OBJECT"),
                arguments("deep sizes", file("{\"a\":{\"shape\":" + "[".repeat(50_000), 0), "nesting depth"),
                arguments("a long name", file("{\"" + "a".repeat(5000) + "\":{}}", 0), "Name length"),
                arguments(
                        "no dtype", file("{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8), "expected dtype, shape"),
                arguments("another field", file("{\"a\":{\"strides\":[1]}}", 0), "unknown field strides"),
                arguments("unknown dtype", one("F31", "[2]", "[0,8]"), "unknown dtype F31"),
                arguments("lower case dtype", one("f32", "[2]", "[0,8]"), "unknown dtype f32"),
                arguments("one offset", one("F32", "[2]", "[0]"), "two data_offsets"),
                arguments("three offsets", one("F32", "[2]", "[0,8,8]"), "at most 2 numbers"),
                arguments("a negative offset", one("F32", "[2]", "[-8,0]"), "found -8"),
                arguments("a negative size", one("F32", "[-2]", "[0,8]"), "found -2"),
                arguments("minus zero", one("F32", "[2]", "[-0,8]"), "found -0"),
                arguments("a fraction", one("F32", "[2.0]", "[0,8]"), "VALUE_NUMBER_FLOAT"),
                arguments("a text", one("F32", "[\"2\"]", "[0,8]"), "found VALUE_STRING"),
                arguments("2^63", one("F32", "[9223372036854775808]", "[0,8]"), "not the JSON expected"),
                arguments("a long number", one("F32", "[" + "1".repeat(5000) + "]", "[0,8]"), "Number value length"),
                arguments("33 sizes", one("F32", "[2" + ",1".repeat(32) + "]", "[0,8]"), "at most 32 numbers"),
                arguments("an overflow", one("F32", "[4294967296,4294967296]", "[0,8]"), "overflows"),
                arguments("an overflow to 0", one("F32", "[9223372036854775807,2,0]", "[0,0]"), "overflows"),
                arguments("an overflow in bits", one("F32", "[2305843009213693954]", "[0,8]"), "overflows"),
                arguments("a wrong size", one("F32", "[3]", "[0,8]"), "make 96 bits, its data_offsets 8 bytes"),
                arguments("half a byte", one("F4", "[3]", "[0,8]"), "12 bits"),
                arguments("offsets swapped", one("F32", "[2]", "[8,0]"), "data_offsets are 8 and 0"),
                arguments("past the end", one("F32", "[4]", "[0,16]"), "data_offsets are 0 and 16"),
                arguments("trailing bytes", file("{" + good + "}", 9), "end after 8 bytes of data, the file after 9"),
                arguments("bytes of nobody", file("{}", 1), "end after 0 bytes of data, the file after 1"),
                arguments("a hole", two("[0,4]", "[8,12]", 12), "should begin at byte 4"),
                arguments("a hole in front", two("[4,8]", "[8,12]", 12), "should begin at byte 0"),
                arguments("an overlap", two("[0,4]", "[2,6]", 6), "should begin at byte 4"),
                arguments("the same bytes", two("[0,4]", "[0,4]", 4), "should begin at byte 4"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("lies")
    void refuses(String lie, byte[] bytes, String reason) throws IOException {
        assertThatThrownBy(() -> SafetensorsBytes.parse(bytes))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining(reason);
        Path path = Files.write(folder.resolve("lie.safetensors"), bytes);
        assertThatThrownBy(() -> Safetensors.open(path).close())
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining(path.toString())
                .hasMessageContaining(reason);
    }

    @Test
    void refusesTooManyTensors() {
        var header = new StringBuilder("{");
        for (int i = 0; i <= 100_000; i++) {
            header.append(i == 0 ? "" : ",").append(entry("t" + i, "U8", "[0]", "[0,0]"));
        }
        byte[] bytes = file(header.append('}').toString(), 0);
        assertThatThrownBy(() -> SafetensorsBytes.parse(bytes)).hasMessageContaining("at most 100000 tensors");
    }

    @Test
    void shortensAndCleansNamesInMessages() {
        byte[] bytes = file("{\"" + "\\u0007x".repeat(500) + "\":1}", 0);
        assertThatThrownBy(() -> SafetensorsBytes.parse(bytes))
                .hasMessageContaining("tensor ?x?x")
                .extracting(Throwable::getMessage)
                .satisfies(message -> assertThat(message.toString()).hasSizeLessThan(200));
    }

    @Test
    void missingFilesAndFoldersAreNamed() {
        assertThatThrownBy(() -> Safetensors.open(folder.resolve("none")).close())
                .hasMessageContaining("none: no such file");
        assertThatThrownBy(() -> Safetensors.open(folder).close()).hasMessageContaining("regular file");
    }

    @Test
    void readsTensorsAtOddAddresses() throws IOException {
        String header = "{" + entry("b", "F32", "[2]", "[3,11]") + "," + entry("a", "U8", "[3]", "[0,3]") + "}";
        byte[] bytes = file(header + " ".repeat(1 + header.length() % 2), 11);
        assertThat(bytes.length % 2).as("data begins at an odd byte").isEqualTo(0);
        Map<String, TensorView> tensors = SafetensorsBytes.parse(bytes).tensors();
        assertThat(tensors.keySet()).containsExactly("a", "b");
        assertThat(tensors.get("b").data().toArray(ValueLayout.JAVA_BYTE)).containsExactly(3, 4, 5, 6, 7, 8, 9, 10);
    }

    @Test
    void acceptsEmptyFilesScalarsAndEmptyTensors() throws IOException {
        assertThat(SafetensorsBytes.parse(file("{}", 0)).tensors()).isEmpty();
        String header = "{" + entry("none", "F32", "[0,7]", "[8,8]") + "," + entry("one", "F64", "[]", "[0,8]") + ","
                + entry("first", "F32", "[0]", "[0,0]") + "}";
        Map<String, TensorView> tensors =
                SafetensorsBytes.parse(file(header, 8)).tensors();
        assertThat(tensors.keySet()).containsExactly("first", "one", "none");
        assertThat(tensors.get("one").elements()).isEqualTo(1);
    }

    @Test
    void tensorsOfOtherDtypesOpenButAreRefusedByName() throws IOException {
        String header = "{" + entry("half", "F4", "[4]", "[0,2]") + "," + entry("mask", "I8", "[2]", "[2,4]") + ","
                + entry("ids", "I64", "[1]", "[4,12]") + "}";
        Path path = Files.write(folder.resolve("mixed.safetensors"), file(header, 12));
        try (Safetensors file = Safetensors.open(path)) {
            assertThat(file.otherTensors()).containsOnly(Map.entry("half", "F4"), Map.entry("mask", "I8"));
            assertThat(file.tensor("ids").type()).isEqualTo(ElementType.I64);
            assertThatThrownBy(() -> file.tensor("mask")).hasMessageContaining("mask is of dtype I8");
            assertThatThrownBy(() -> file.tensor("nobody")).hasMessageContaining("found none of that name among 3");
        }
    }

    @Test
    void viewsEndWithTheirFile() throws IOException {
        Path path = folder.resolve("a.safetensors");
        Safetensors.write(path, Map.of(), List.of(floats("a", 1, 2)));
        TensorView view;
        try (Safetensors file = Safetensors.open(path)) {
            view = file.tensor("a");
        }
        assertThatThrownBy(() -> view.data().get(ValueLayout.JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void mapsFilesLargerThanTwoGigabytes() throws IOException {
        long bytes = 3L << 30;
        byte[] head = file("{" + entry("big", "U8", "[" + bytes + "]", "[0," + bytes + "]") + "}", 0);
        Path path = folder.resolve("big.safetensors");
        try (FileChannel channel = FileChannel.open(
                path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
            channel.write(ByteBuffer.wrap(head));
            channel.write(ByteBuffer.wrap(new byte[] {42}), head.length + bytes - 1); // a hole of 3 GiB takes no disk
        }
        try (Safetensors file = Safetensors.open(path)) {
            assertThat(file.tensor("big").data().get(ValueLayout.JAVA_BYTE, bytes - 1))
                    .isEqualTo((byte) 42);
        }
    }

    @Test
    void ordersByAlignmentThenNameAndAlignsTheData() throws IOException {
        Path path = folder.resolve("a.safetensors");
        var tensors = List.of(
                bytes("b", ElementType.U8, 3),
                bytes("z", ElementType.F64, 8),
                bytes("c", ElementType.BF16, 2),
                bytes("a", ElementType.BF16, 4),
                bytes("d", ElementType.I64, 16),
                bytes("m", ElementType.F32, 4));
        Safetensors.write(path, Map.of("k", "v", "a", "w"), tensors);
        try (Safetensors file = Safetensors.open(path)) {
            assertThat(file.tensors().keySet()).containsExactly("d", "z", "m", "a", "c", "b");
            assertThat(file.metadata()).containsExactly(Map.entry("a", "w"), Map.entry("k", "v"));
        }
        long header = ByteBuffer.wrap(Files.readAllBytes(path))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
        assertThat(header % 8).isZero();
    }

    @Test
    void refusesTensorsThatCannotBeWritten() {
        Path path = folder.resolve("a.safetensors");
        var twice = List.of(floats("a", 1), floats("a", 2));
        assertThatThrownBy(() -> Safetensors.write(path, Map.of(), twice)).hasMessageContaining("named a");
        var reserved = List.of(floats("__metadata__", 1));
        assertThatThrownBy(() -> Safetensors.write(path, Map.of(), reserved)).hasMessageContaining("reserved");
        var shortData =
                List.of(new TensorView("a", ElementType.F32, new long[] {2}, MemorySegment.ofArray(new byte[7])));
        assertThatThrownBy(() -> Safetensors.write(path, Map.of(), shortData))
                .hasMessageContaining("needs 8 bytes of data, has 7");
        assertThat(path).doesNotExist();
    }

    @Property(tries = 200, seed = "7")
    void readsWhatWasWritten(@ForAll long seed, @ForAll @IntRange(max = 12) int count) throws IOException {
        var random = new Random(seed);
        var tensors = new ArrayList<TensorView>();
        for (int i = 0; i < count; i++) {
            tensors.add(random(random, "t" + random.nextInt(1000) + "\u00e9\ud83d\ude00\"\\\n." + i));
        }
        Path path = Files.createTempFile("property", ".safetensors");
        try {
            Safetensors.write(path, Map.of("seed", "\u0000" + seed), tensors);
            try (Safetensors file = Safetensors.open(path)) {
                assertThat(file.metadata()).isEqualTo(Map.of("seed", "\u0000" + seed));
                assertThat(file.tensors()).hasSize(count);
                for (TensorView tensor : tensors) {
                    TensorView read = file.tensor(tensor.name());
                    assertThat(read.toString()).isEqualTo(tensor.toString());
                    assertThat(read.data().mismatch(tensor.data())).isEqualTo(-1);
                }
            }
        } finally {
            Files.delete(path);
        }
    }

    private static TensorView random(Random random, String name) {
        ElementType type = ElementType.values()[random.nextInt(ElementType.values().length)];
        var shape = new long[random.nextInt(4)];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = random.nextInt(9);
        }
        var bytes = new byte[(int) TensorView.elements(shape) * type.bytes()];
        random.nextBytes(bytes);
        return new TensorView(name, type, shape, MemorySegment.ofArray(bytes));
    }

    private static TensorView floats(String name, float... values) {
        return new TensorView(name, ElementType.F32, new long[] {values.length}, MemorySegment.ofArray(values));
    }

    private static TensorView bytes(String name, ElementType type, int bytes) {
        return new TensorView(name, type, new long[] {bytes / type.bytes()}, MemorySegment.ofArray(new byte[bytes]));
    }

    private static byte[] one(String dtype, String shape, String offsets) {
        return file("{" + entry("a", dtype, shape, offsets) + "}", 8);
    }

    private static byte[] two(String first, String second, int dataBytes) {
        return file("{" + entry("b", "F32", "[1]", second) + "," + entry("a", "F32", "[1]", first) + "}", dataBytes);
    }

    private static byte[] withLength(long length) {
        byte[] bytes = file("{}", 0);
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
        return bytes;
    }
}
