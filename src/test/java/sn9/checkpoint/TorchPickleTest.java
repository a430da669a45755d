package sn9.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

/** What torch.save wrote is read as torch.load reads it; everything hostile is refused by name. */
class TorchPickleTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden");
    private static final long[] TWO = {2};
    private static final long[] ONE = {1};

    /** What {@link Pickle} executes, besides the PROTO at its head. */
    private static final Set<PickleOp> READ = EnumSet.of(
            PickleOp.STOP,
            PickleOp.MARK,
            PickleOp.GLOBAL,
            PickleOp.REDUCE,
            PickleOp.BUILD,
            PickleOp.BINPERSID,
            PickleOp.EMPTY_DICT,
            PickleOp.EMPTY_LIST,
            PickleOp.EMPTY_TUPLE,
            PickleOp.TUPLE,
            PickleOp.TUPLE1,
            PickleOp.TUPLE2,
            PickleOp.TUPLE3,
            PickleOp.SETITEM,
            PickleOp.SETITEMS,
            PickleOp.APPEND,
            PickleOp.APPENDS,
            PickleOp.NONE,
            PickleOp.NEWTRUE,
            PickleOp.NEWFALSE,
            PickleOp.BININT,
            PickleOp.BININT1,
            PickleOp.BININT2,
            PickleOp.LONG1,
            PickleOp.BINFLOAT,
            PickleOp.BINUNICODE,
            PickleOp.SHORT_BINSTRING,
            PickleOp.BINPUT,
            PickleOp.LONG_BINPUT,
            PickleOp.BINGET,
            PickleOp.LONG_BINGET);

    @TempDir
    Path dir;

    @Test
    void readsEveryTypeAsTorchDoes() throws IOException {
        try (var read = TorchPickle.open(GOLDEN.resolve("torch/types.pth"));
                var expected = Safetensors.open(GOLDEN.resolve("torch/types.safetensors"))) {
            assertSameTensors(read, expected);
            assertThat(read.otherTensors()).containsOnlyKeys("I8", "I16");
        }
    }

    @Test
    void aModelDirectoryOfAStateDictIsTheOneOfSafetensors() throws IOException {
        Path torch = Files.createDirectory(dir.resolve("torch"));
        Files.copy(GOLDEN.resolve("gpt2-tiny/config.json"), torch.resolve("config.json"));
        Files.copy(GOLDEN.resolve("torch/tiny.pth"), torch.resolve("pytorch_model.bin"));
        Path safe = Files.createDirectory(dir.resolve("safe"));
        for (String name : new String[] {"config.json", "model.safetensors"}) {
            Files.copy(GOLDEN.resolve("gpt2-tiny").resolve(name), safe.resolve(name));
        }
        try (var fromTorch = ModelDirectory.open(torch);
                var fromSafe = ModelDirectory.open(safe)) {
            assertThat(fromTorch.parameterCount()).isEqualTo(35_744);
            for (TensorView expected : fromSafe.tensors()) {
                assertThat(fromTorch.tensor(expected.name()).data().mismatch(expected.data()))
                        .as(expected.name())
                        .isEqualTo(-1);
            }
        }
        assertThat(ModelDirectory.fileNameFor(torch.resolve("pytorch_model.bin")))
                .isEqualTo("pytorch_model.bin");
        assertThat(ModelDirectory.fileNameFor(safe.resolve("model.safetensors")))
                .isEqualTo("model.safetensors");
    }

    @Test
    void refusesElementsThatAreNotSideBySide() {
        assertThatThrownBy(() -> TorchPickle.open(GOLDEN.resolve("torch/strided.pth")))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("weight")
                .hasMessageContaining("contiguous()");
    }

    @Test
    void refusesMoreThanAStateDict() {
        assertThatThrownBy(() -> TorchPickle.open(GOLDEN.resolve("torch/object.pth")))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("expected model to be a tensor, found a dict");
    }

    @Test
    void refusesTheFormatBeforeZip() {
        byte[] legacy = HexFormat.of().parseHex("80028a0a6cfc9c46f9206aa850192e");
        assertThatThrownBy(() -> TorchBytes.parse(Arrays.copyOf(legacy, 400)))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("before version 1.6");
    }

    @Test
    void readsWhatTheTestsBuild() throws IOException {
        var contents = TorchBytes.parse(archive(TorchBytes.single("0", 4, 1, TWO, ONE), 16));
        TensorView tensor = contents.tensors().get("w");
        assertThat(tensor.type()).isEqualTo(ElementType.F32);
        assertThat(tensor.shape()).containsExactly(2);
        assertThat(tensor.data().toArray(ValueLayout.JAVA_BYTE)).containsExactly(4, 5, 6, 7, 8, 9, 10, 11);
    }

    @ParameterizedTest
    @EnumSource(PickleOp.class)
    void refusesEveryOtherOpcodeByName(PickleOp op) {
        byte[] pickle = TorchBytes.pickle()
                .raw(op.code(), 0, 0, 0, 0, 0, 0, 0, 0, '\n', '\n')
                .stop();
        if (READ.contains(op)) {
            assertThatThrownBy(() -> Pickle.read("test", pickle)).hasMessageNotContaining("opcode " + op + ":");
        } else {
            assertThatThrownBy(() -> Pickle.read("test", pickle))
                    .isInstanceOf(MalformedDataException.class)
                    .hasMessageContaining("refused opcode " + op + ":");
        }
    }

    @Test
    void refusesBytesThatAreNoOpcode() {
        for (int code = 0; code < 256; code++) {
            if (PickleOp.of(code) == null) {
                byte[] pickle = TorchBytes.pickle().raw(code).stop();
                assertThatThrownBy(() -> Pickle.read("test", pickle))
                        .isInstanceOf(MalformedDataException.class)
                        .hasMessageContaining("is no opcode");
            }
        }
    }

    /** What has been used to run code from a pickle, with its arguments. */
    @ParameterizedTest
    @CsvSource({
        "os, system",
        "posix, system",
        "nt, system",
        "builtins, eval",
        "builtins, exec",
        "builtins, getattr",
        "builtins, __import__",
        "__builtin__, eval",
        "subprocess, Popen",
        "subprocess, check_output",
        "runpy, _run_code",
        "importlib, import_module",
        "operator, attrgetter",
        "functools, partial",
        "types, FunctionType",
        "pickle, loads",
        "marshal, loads",
        "_codecs, encode",
        "socket, socket",
        "webbrowser, open",
        "shutil, rmtree",
        "numpy.core.multiarray, _reconstruct",
        "torch.storage, _load_from_bytes",
        "torch._utils, _rebuild_tensor_v3",
        "torch._utils, _rebuild_sparse_tensor",
        "torch.hub, load",
        "torch.jit, load",
        "torch.nn.modules.linear, Linear",
        "torch, FloatStorage.from_file",
        "torch, ComplexFloatStorage",
        "collections, Counter",
        "collections., OrderedDict",
        "collections.OrderedDict, x",
        "x, OrderedDict",
    })
    void refusesEveryOtherGlobalByName(String module, String name) {
        byte[] pickle = TorchBytes.pickle()
                .global(module, name)
                .ops("(")
                .text("touch /tmp/x")
                .ops("tR")
                .stop();
        assertThatThrownBy(() -> Pickle.read("test", pickle))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("refused the global " + module + "." + name);
    }

    static Stream<Arguments> hostilePickles() {
        var deep = TorchBytes.pickle();
        for (int i = 0; i < 70_000; i++) {
            deep.ops("(");
        }
        var wide = TorchBytes.pickle().ops("N");
        for (int i = 0; i < 140_000; i++) {
            wide.raw('r', i & 0xFF, i >> 8 & 0xFF, i >> 16, 0);
        }
        var nested = TorchBytes.pickle().ops("]");
        for (int i = 0; i < 100_000; i++) {
            nested.raw(0x85);
        }
        return Stream.of(
                Arguments.of("expected more, found its end", TorchBytes.pickle().bytes()),
                Arguments.of("expected a pickle of protocol 2", new byte[] {(byte) 0x80, 4, '.'}),
                Arguments.of("expected a pickle of protocol 2", new byte[] {'(', 'd', '.'}),
                Arguments.of(
                        "expected its end and one value",
                        TorchBytes.pickle().ops("}.").stop()),
                Arguments.of(
                        "expected its end and one value", TorchBytes.pickle().stop()),
                Arguments.of(
                        "expected its end and one value",
                        TorchBytes.pickle().ops("}}").stop()),
                Arguments.of(
                        "expected a state dict, found a list",
                        TorchBytes.pickle().ops("]").stop()),
                Arguments.of(
                        "expected a state dict, found None",
                        TorchBytes.pickle().ops("N").stop()),
                Arguments.of(
                        "expected w to be a tensor, found a number",
                        TorchBytes.pickle().ops("}").text("w").ops("K\u0001s").stop()),
                Arguments.of(
                        "expected w to be a tensor, found torch.FloatStorage",
                        TorchBytes.pickle()
                                .ops("}")
                                .text("w")
                                .global("torch", "FloatStorage")
                                .ops("s")
                                .stop()),
                Arguments.of(
                        "expected a value, found none",
                        TorchBytes.pickle().ops("R").stop()),
                Arguments.of(
                        "expected a value, found none",
                        TorchBytes.pickle().ops("(s").stop()),
                Arguments.of(
                        "expected a value, found none",
                        TorchBytes.pickle().raw('q', 0).stop()),
                Arguments.of(
                        "expected a mark, found none",
                        TorchBytes.pickle().ops("t").stop()),
                Arguments.of("never remembered", TorchBytes.pickle().raw('h', 7).stop()),
                Arguments.of(
                        "a dict's key that is a number",
                        TorchBytes.pickle().ops("}K\u0001Ns").stop()),
                Arguments.of(
                        "a second entry w",
                        TorchBytes.pickle()
                                .ops("}")
                                .text("w")
                                .ops("Ns")
                                .text("w")
                                .ops("Ns")
                                .stop()),
                Arguments.of(
                        "refused to set 2 keys and values of a list",
                        TorchBytes.pickle().ops("]NNs").stop()),
                Arguments.of(
                        "refused to set 1 keys and values",
                        TorchBytes.pickle().ops("}(Nu").stop()),
                Arguments.of(
                        "refused to append to a dict",
                        TorchBytes.pickle().ops("}Na").stop()),
                // A list in itself: harmless while nobody walks it.
                Arguments.of(
                        "expected a state dict, found a list",
                        TorchBytes.pickle().raw(']', 'q', 0, 'h', 0, 'a').stop()),
                Arguments.of(
                        "expected w to be a tensor, found a dict",
                        TorchBytes.pickle()
                                .raw('}', 'q', 0)
                                .text("w")
                                .raw('h', 0, 's')
                                .stop()),
                Arguments.of("refused more than 65536 values", deep.stop()),
                Arguments.of("refused more than 131072 remembered", wide.stop()),
                Arguments.of("expected a state dict, found a tuple", nested.stop()),
                Arguments.of(
                        "refused to call a text",
                        TorchBytes.pickle().text("os").ops(")R").stop()),
                Arguments.of(
                        "refused to call torch.FloatStorage",
                        TorchBytes.pickle()
                                .global("torch", "FloatStorage")
                                .ops(")R")
                                .stop()),
                Arguments.of(
                        "refused to call collections.OrderedDict with 1",
                        TorchBytes.pickle()
                                .global("collections", "OrderedDict")
                                .raw('N', 0x85, 'R')
                                .stop()),
                Arguments.of(
                        "refused to set attributes of None",
                        TorchBytes.pickle().ops("N}b").stop()),
                Arguments.of(
                        "refused to set attributes of a dict from a tuple",
                        TorchBytes.pickle().ops("})b").stop()),
                Arguments.of(
                        "refused a persistent id", TorchBytes.pickle().ops(")Q").stop()),
                Arguments.of(
                        "refused a persistent id",
                        TorchBytes.pickle()
                                .ops("(")
                                .text("module")
                                .global("torch", "FloatStorage")
                                .text("0")
                                .text("cpu")
                                .number(1)
                                .ops("tQ")
                                .stop()),
                Arguments.of(
                        "refused a persistent id",
                        TorchBytes.pickle()
                                .ops("(")
                                .text("storage")
                                .global("collections", "OrderedDict")
                                .text("0")
                                .text("cpu")
                                .number(1)
                                .ops("tQ")
                                .stop()),
                Arguments.of(
                        "refused a persistent id",
                        TorchBytes.pickle().storage("FloatStorage", "0", -1).stop()),
                Arguments.of(
                        "refused a number of 9 bytes",
                        TorchBytes.pickle()
                                .raw(0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1)
                                .stop()),
                Arguments.of(
                        "refused a number of 255 bytes",
                        TorchBytes.pickle().raw(0x8a, 255).stop()),
                Arguments.of(
                        "refused a text of 4294967295 bytes",
                        TorchBytes.pickle().raw('X', 255, 255, 255, 255).stop()),
                Arguments.of(
                        "refused a text of 2147483647 bytes",
                        TorchBytes.pickle().raw('X', 255, 255, 255, 127).stop()),
                Arguments.of(
                        "expected more, found its end",
                        TorchBytes.pickle().raw('X', 255, 15, 0, 0).stop()),
                Arguments.of(
                        "refused a name of more than 4096",
                        TorchBytes.pickle().global("x".repeat(5000), "y").stop()),
                Arguments.of("at most 1048576 bytes", new byte[Pickle.MAX_BYTES + 1]));
    }

    @ParameterizedTest
    @MethodSource("hostilePickles")
    void refusesHostilePickles(String reason, byte[] pickle) {
        assertThatThrownBy(() -> Pickle.read("test", pickle))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageStartingWith("test")
                .hasMessageContaining(reason);
    }

    static Stream<Arguments> tensorsOutOfBounds() {
        long huge = 1L << 62;
        return Stream.of(
                Arguments.of("storage 7 is not in the archive", "7", 4L, 0L, TWO, ONE),
                Arguments.of("has an entry of 16", "0", 5L, 0L, TWO, ONE),
                Arguments.of("overflows", "0", huge, 0L, TWO, ONE),
                Arguments.of("do not lie in a storage", "0", 4L, 3L, TWO, ONE),
                Arguments.of("do not lie in a storage", "0", 4L, -1L, TWO, ONE),
                Arguments.of("do not lie in a storage", "0", 4L, Long.MAX_VALUE, TWO, ONE),
                Arguments.of("do not lie in a storage", "0", 4L, 0L, new long[] {5}, ONE),
                Arguments.of("a size is -2", "0", 4L, 0L, new long[] {-2}, ONE),
                Arguments.of("overflows", "0", 4L, 0L, new long[] {huge, 4}, new long[] {4, 1}),
                // A petabyte in four bytes.
                Arguments.of("found a stride of 0", "0", 4L, 0L, new long[] {1L << 48}, new long[] {0}),
                Arguments.of("found a stride of -1", "0", 4L, 0L, TWO, new long[] {-1}),
                Arguments.of("1 sizes and 2 strides", "0", 4L, 0L, TWO, new long[] {1, 1}),
                Arguments.of("9 sizes", "0", 4L, 0L, new long[9], new long[9]));
    }

    @ParameterizedTest
    @MethodSource("tensorsOutOfBounds")
    void refusesTensorsOutOfBounds(
            String reason, String key, long elements, long offset, long[] sizes, long[] strides) {
        byte[] pickle = TorchBytes.single(key, elements, offset, sizes, strides);
        assertThatThrownBy(() -> TorchBytes.parse(archive(pickle, 16)))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("tensor w: ")
                .hasMessageContaining(reason);
    }

    @Test
    void refusesDeflatedEntries() {
        var entries = entries(TorchBytes.single("0", 4, 0, TWO, ONE), 16);
        assertThatThrownBy(() -> TorchBytes.parse(TorchBytes.archive(entries, ZipEntry.DEFLATED)))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("packed by method 8");
    }

    @Test
    void refusesBigEndianNumbers() {
        var entries = entries(TorchBytes.single("0", 4, 0, TWO, ONE), 16);
        entries.put("archive/byteorder", "big".getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> TorchBytes.parse(TorchBytes.archive(entries))).hasMessageContaining("little-endian");
        entries.put("archive/byteorder", "little".getBytes(StandardCharsets.UTF_8));
        assertThat(TorchBytes.archive(entries)).satisfies(TorchBytes::parse);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "other/data/1",
                "data.pkl",
                "archive/../../etc/passwd",
                "/etc/passwd",
                "archive//data.pkl",
                "archive/./data.pkl",
                "archive/data/",
                "archive\\data",
            })
    void refusesEntriesOutsideOfTheOneFolder(String name) {
        var entries = entries(TorchBytes.single("0", 4, 0, TWO, ONE), 16);
        entries.put(name, new byte[0]);
        assertThatThrownBy(() -> TorchBytes.parse(TorchBytes.archive(entries)))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("is no file in the one folder");
    }

    @Test
    void refusesACutFileAtEveryByte() {
        byte[] whole = archive(TorchBytes.single("0", 4, 0, TWO, ONE), 16);
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> TorchBytes.parse(cut)).isInstanceOf(MalformedDataException.class);
        }
        assertThatThrownBy(() -> TorchBytes.parse(Arrays.copyOf(whole, whole.length + 1)))
                .isInstanceOf(MalformedDataException.class);
    }

    /** Two entries over the same bytes: how a small file can unpack to a large one. */
    @Test
    void refusesOverlappingAndRepeatedEntries() {
        byte[] file = archive(TorchBytes.single("0", 4, 0, TWO, ONE), 16);
        ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int directory = bytes.getInt(file.length - 6);
        int second = directory + 46 + bytes.getShort(directory + 28);
        assertThat(bytes.getInt(second)).isEqualTo(0x02014b50);
        int first = bytes.getInt(directory + 42);

        bytes.putInt(second + 42, first);
        assertThatThrownBy(() -> TorchBytes.parse(file)).hasMessageContaining("has another name");
        // The second one's own header, moved into the bytes of the first.
        byte[] inner = TorchBytes.archive(Map.of("archive/data/0", new byte[16]));
        var entries = new LinkedHashMap<String, byte[]>();
        entries.put("archive/data.pkl", Arrays.copyOf(inner, 60));
        entries.put("archive/data/0", new byte[16]);
        byte[] nested = TorchBytes.archive(entries);
        ByteBuffer changed = ByteBuffer.wrap(nested).order(ByteOrder.LITTLE_ENDIAN);
        int at = changed.getInt(nested.length - 6);
        changed.putInt(at + 46 + changed.getShort(at + 28) + 42, 30 + "archive/data.pkl".length());
        assertThatThrownBy(() -> TorchBytes.parse(nested)).hasMessageContaining("overlap");
    }

    @Test
    void takesSixtyFourBitSizesWhereTheDirectoryHasThem() throws IOException {
        byte[] file = archive(TorchBytes.single("0", 4, 0, TWO, ONE), 16);
        byte[] wide = TorchZip64.widen(file);
        assertThat(TorchBytes.parse(wide).tensors().keySet())
                .isEqualTo(TorchBytes.parse(file).tensors().keySet());
        for (int at = wide.length - 98; at < wide.length; at++) {
            byte[] damaged = wide.clone();
            damaged[at] ^= (byte) 0x80;
            try {
                TorchBytes.parse(damaged);
            } catch (MalformedDataException e) {
                assertThat(e.getMessage()).startsWith("test");
            }
        }
    }

    private static void assertSameTensors(TorchPickle read, Safetensors expected) {
        assertThat(read.tensors().keySet()).isEqualTo(expected.tensors().keySet());
        assertThat(read.otherTensors()).isEqualTo(expected.otherTensors());
        for (TensorView tensor : expected.tensors().values()) {
            TensorView same = read.tensors().get(tensor.name());
            assertThat(same.type()).as(tensor.name()).isEqualTo(tensor.type());
            assertThat(same.shape()).as(tensor.name()).isEqualTo(tensor.shape());
            assertThat(same.data().mismatch(tensor.data())).as(tensor.name()).isEqualTo(-1);
        }
    }

    private static Map<String, byte[]> entries(byte[] pickle, int dataBytes) {
        var data = new byte[dataBytes];
        for (int i = 0; i < dataBytes; i++) {
            data[i] = (byte) i;
        }
        var entries = new LinkedHashMap<String, byte[]>();
        entries.put("archive/data.pkl", pickle);
        entries.put("archive/data/0", data);
        return entries;
    }

    private static byte[] archive(byte[] pickle, int dataBytes) {
        return TorchBytes.archive(entries(pickle, dataBytes));
    }
}
