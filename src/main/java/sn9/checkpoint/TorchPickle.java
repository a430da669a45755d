package sn9.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import sn9.MalformedDataException;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

/**
 * A state dict as {@code torch.save} writes it since version 1.6: {@code model.pth}, {@code pytorch_model.bin} (spec/hub.md
 * 7). Nothing in it is executed: {@link Pickle} reads a closed list of opcodes and names, {@link TorchArchive} entries that
 * are stored as they are. Tensors are views of the mapped file, none is copied; so they must be contiguous.
 */
public final class TorchPickle implements TensorFile {
    private static final String DESCRIPTION = "data.pkl";
    private static final String BYTE_ORDER = "byteorder";
    private static final int MAX_RANK = 8;

    private final Arena arena;
    private final Contents contents;

    /**
     * What an archive holds.
     *
     * @param tensors name to view of the file's bytes, in the state dict's order
     * @param otherTensors name to dtype of tensors that {@link ElementType} cannot express
     */
    record Contents(Map<String, TensorView> tensors, Map<String, String> otherTensors) {}

    private TorchPickle(Arena arena, Contents contents) {
        this.arena = arena;
        this.contents = contents;
    }

    /**
     * Maps a file and checks all of it but its numbers.
     *
     * @throws MalformedDataException when this is no regular file, or none that holds a state dict and nothing else; names
     *     what was refused
     * @throws IOException when the file cannot be read
     */
    public static TorchPickle open(Path file) throws IOException {
        return MappedFile.open(file, (source, arena, bytes) -> new TorchPickle(arena, parse(source, bytes)));
    }

    /** As {@link #open}, of bytes at hand, of which the tensors are slices. */
    static Contents parse(String source, MemorySegment file) throws MalformedDataException {
        Map<String, MemorySegment> entries = TorchArchive.entries(source, file);
        if (entries.containsKey(BYTE_ORDER)
                && !new String(bytes(source, entries, BYTE_ORDER), StandardCharsets.UTF_8).equals("little")) {
            throw new MalformedDataException(source, -1, "expected numbers in little-endian order; save it again");
        }
        var tensors = new LinkedHashMap<String, TensorView>();
        var others = new LinkedHashMap<String, String>();
        for (var entry : Pickle.read(source + ": " + DESCRIPTION, bytes(source, entries, DESCRIPTION))
                .entrySet()) {
            String name = entry.getKey();
            MemorySegment data = data(source, name, entry.getValue(), entries);
            String dtype = entry.getValue().storage().type().dtype();
            ElementType type = elementType(dtype);
            if (type == null) {
                others.put(name, dtype);
            } else {
                tensors.put(name, new TensorView(name, type, entry.getValue().sizes(), data));
            }
        }
        return new Contents(Collections.unmodifiableMap(tensors), Collections.unmodifiableMap(others));
    }

    @Override
    public Map<String, TensorView> tensors() {
        return contents.tensors;
    }

    @Override
    public Map<String, String> otherTensors() {
        return contents.otherTensors;
    }

    @Override
    public void close() {
        arena.close();
    }

    private static byte[] bytes(String source, Map<String, MemorySegment> entries, String name)
            throws MalformedDataException {
        MemorySegment entry = entries.get(name);
        if (entry == null || entry.byteSize() > Pickle.MAX_BYTES) {
            throw new MalformedDataException(
                    source,
                    -1,
                    "expected an entry " + name + " of at most " + Pickle.MAX_BYTES + " bytes, found "
                            + (entry == null ? "none" : entry.byteSize()));
        }
        return entry.toArray(ValueLayout.JAVA_BYTE);
    }

    private static MemorySegment data(
            String source, String name, Pickle.Tensor tensor, Map<String, MemorySegment> entries)
            throws MalformedDataException {
        String shown = "tensor " + StrictJson.shown(name) + ": ";
        Pickle.Storage storage = tensor.storage();
        MemorySegment bytes = entries.get("data/" + storage.key());
        if (bytes == null) {
            throw new MalformedDataException(
                    source, -1, shown + "its storage " + StrictJson.shown(storage.key()) + " is not in the archive");
        }
        int elementBytes = storage.type().elementBytes();
        try {
            if (Math.multiplyExact(storage.elements(), elementBytes) != bytes.byteSize()) {
                throw new MalformedDataException(
                        source,
                        -1,
                        shown + "a storage of " + storage.elements() + " elements of " + elementBytes
                                + " bytes has an entry of " + bytes.byteSize());
            }
            checkContiguous(source, shown, tensor.sizes(), tensor.strides());
            long elements = TensorView.elements(tensor.sizes());
            if (tensor.offset() < 0 || tensor.offset() > storage.elements() - elements) {
                throw new MalformedDataException(
                        source,
                        -1,
                        shown + elements + " elements from " + tensor.offset() + " on do not lie in a storage of "
                                + storage.elements());
            }
            return bytes.asSlice(tensor.offset() * elementBytes, elements * elementBytes);
        } catch (ArithmeticException e) {
            throw new MalformedDataException(source, -1, shown + "the sizes' product overflows", e);
        }
    }

    private static void checkContiguous(String source, String shown, long[] sizes, long[] strides)
            throws MalformedDataException {
        if (sizes.length != strides.length || sizes.length > MAX_RANK) {
            throw new MalformedDataException(
                    source,
                    -1,
                    shown + sizes.length + " sizes and " + strides.length
                            + " strides, expected as many of both, at most " + MAX_RANK);
        }
        long elements = 1;
        for (int i = sizes.length - 1; i >= 0; i--) {
            if (sizes[i] < 0) {
                throw new MalformedDataException(source, -1, shown + "a size is " + sizes[i]);
            }
            if (sizes[i] > 1 && strides[i] != elements) {
                throw new MalformedDataException(
                        source,
                        -1,
                        shown + "expected its elements side by side, found a stride of " + strides[i] + " where "
                                + elements + " is contiguous; save tensor.contiguous()");
            }
            elements = Math.multiplyExact(elements, sizes[i]);
        }
    }

    private static ElementType elementType(String dtype) {
        for (ElementType type : ElementType.values()) {
            if (type.name().equals(dtype)) {
                return type;
            }
        }
        return null;
    }
}
