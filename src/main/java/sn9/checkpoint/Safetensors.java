package sn9.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import sn9.MalformedDataException;
import sn9.tensor.TensorView;

/**
 * A safetensors file (spec/hub.md section 6), mapped into memory. Opening reads and checks the header only; tensors are
 * views of the mapping, so a file may be larger than the heap. All methods may be called from any thread, but none may
 * read a view while another closes the file. Nobody may shorten the file while it is open.
 */
public final class Safetensors implements TensorFile {
    private final String source;
    private final Arena arena;
    private final SafetensorsHeader header;

    private Safetensors(String source, Arena arena, SafetensorsHeader header) {
        this.source = source;
        this.arena = arena;
        this.header = header;
    }

    /**
     * Maps a file and checks its header against its size.
     *
     * @throws MalformedDataException when this is no regular file or no well-formed safetensors file
     * @throws IOException when the file cannot be read
     */
    public static Safetensors open(Path file) throws IOException {
        return MappedFile.open(
                file, (source, arena, bytes) -> new Safetensors(source, arena, SafetensorsHeader.parse(source, bytes)));
    }

    /** Name to tensor, in the order of the file's bytes; readable until {@link #close}. */
    @Override
    public Map<String, TensorView> tensors() {
        return header.tensors();
    }

    @Override
    public Map<String, String> otherTensors() {
        return header.otherTensors();
    }

    /** The file's {@code __metadata__}, empty when it has none. */
    public Map<String, String> metadata() {
        return header.metadata();
    }

    /**
     * One tensor.
     *
     * @throws MalformedDataException when the file has no such tensor, or has it in a dtype that cannot be read
     */
    public TensorView tensor(String name) throws MalformedDataException {
        TensorView tensor = tensors().get(name);
        if (tensor != null) {
            return tensor;
        }
        String dtype = otherTensors().get(name);
        throw new MalformedDataException(
                source,
                -1,
                dtype == null
                        ? "expected a tensor " + name + ", found none of that name among "
                                + (tensors().size() + otherTensors().size())
                        : "tensor " + name + " is of dtype " + dtype + ", which cannot be read here");
    }

    /**
     * Writes a file whole or not at all: to a temporary name in the same folder, synced, renamed. Larger elements come
     * first, then names in order, so that every tensor is aligned to its element; the same tensors always give the same
     * bytes, and for tensors of one type the bytes of the format's reference writer.
     *
     * @param metadata becomes {@code __metadata__}; {@code format = pt} for a model that {@code transformers} shall load
     * @param tensors with distinct names and readable data of exactly the shape's size
     * @throws IllegalArgumentException when names repeat or a tensor's data does not fit its shape
     * @throws IOException when writing failed, for instance on a full disk; what was there before is then untouched
     */
    public static void write(Path file, Map<String, String> metadata, Collection<TensorView> tensors)
            throws IOException {
        SafetensorsWriter.write(file, metadata, tensors);
    }

    @Override
    public void close() {
        arena.close();
    }
}
