package sn9.checkpoint;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import sn9.files.AtomicFiles;
import sn9.tensor.ElementConversion;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

/** Writes safetensors files (spec/hub.md section 6) through one fixed buffer, whatever the tensors' size. */
final class SafetensorsWriter {
    private static final int STAGING_BYTES = 1 << 20;
    private static final int ALIGNMENT = 8; // of the data in the file; the header is padded with blanks

    private static final JsonMapper JSON = new JsonMapper();

    /** Larger elements first keeps every tensor aligned; the names' order makes files repeatable. */
    private static final Comparator<Out> FILE_ORDER = Comparator.comparing(
                    (Out out) -> -out.type().bytes())
            .thenComparing(out -> out.tensor().name());

    private SafetensorsWriter() {}

    /** A tensor and the type it gets in the file; they differ only for an F32 tensor that is stored narrower. */
    private record Out(TensorView tensor, ElementType type) {
        long bytes() {
            return tensor.elements() * type.bytes();
        }
    }

    /** Writes tensors as they are; see {@link Safetensors#write}. */
    static void write(Path file, Map<String, String> metadata, Collection<TensorView> tensors) throws IOException {
        writeAll(
                file,
                metadata,
                tensors.stream().map(tensor -> new Out(tensor, tensor.type())).toList());
    }

    /** Writes F32 tensors in another float type, converted on the way. */
    static void writeF32As(ElementType type, Path file, Map<String, String> metadata, Collection<TensorView> f32tensors)
            throws IOException {
        for (TensorView tensor : f32tensors) {
            if (tensor.type() != ElementType.F32) {
                throw new IllegalArgumentException("expected F32 tensors, got " + tensor);
            }
        }
        writeAll(
                file,
                metadata,
                f32tensors.stream().map(tensor -> new Out(tensor, type)).toList());
    }

    private static void writeAll(Path file, Map<String, String> metadata, List<Out> tensors) throws IOException {
        List<Out> ordered = tensors.stream().sorted(FILE_ORDER).toList();
        byte[] header = header(metadata, ordered);
        AtomicFiles.write(file, channel -> {
            ByteBuffer length =
                    ByteBuffer.allocate(SafetensorsHeader.LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            AtomicFiles.writeFully(channel, length.putLong(header.length).flip());
            AtomicFiles.writeFully(channel, ByteBuffer.wrap(header));
            ByteBuffer staging = ByteBuffer.allocateDirect(STAGING_BYTES);
            for (Out out : ordered) {
                writeData(channel, out, staging);
            }
        });
    }

    private static byte[] header(Map<String, String> metadata, List<Out> ordered) throws IOException {
        var bytes = new ByteArrayOutputStream();
        var names = new HashSet<String>();
        try (JsonGenerator json = JSON.createGenerator(bytes)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                json.writePOJOField(SafetensorsHeader.METADATA, new TreeMap<>(metadata));
            }
            long position = 0;
            for (Out out : ordered) {
                check(out.tensor(), names);
                json.writeObjectFieldStart(out.tensor().name());
                json.writeStringField("dtype", out.type().name());
                json.writeFieldName("shape");
                json.writeArray(out.tensor().shape(), 0, out.tensor().shape().length);
                json.writeFieldName("data_offsets");
                json.writeArray(new long[] {position, position + out.bytes()}, 0, 2);
                json.writeEndObject();
                position += out.bytes();
            }
            json.writeEndObject();
        }
        while ((SafetensorsHeader.LENGTH_BYTES + bytes.size()) % ALIGNMENT != 0) {
            bytes.write(' ');
        }
        if (bytes.size() > SafetensorsHeader.MAX_HEADER_BYTES) {
            throw new IllegalArgumentException("the header would have " + bytes.size() + " bytes, readers take "
                    + SafetensorsHeader.MAX_HEADER_BYTES);
        }
        return bytes.toByteArray();
    }

    private static void check(TensorView tensor, HashSet<String> names) {
        if (tensor.name().equals(SafetensorsHeader.METADATA) || !names.add(tensor.name())) {
            throw new IllegalArgumentException(
                    "a tensor cannot be named " + tensor.name() + ": the name is reserved or taken by another tensor");
        }
        long expected =
                Math.multiplyExact(tensor.elements(), (long) tensor.type().bytes());
        if (tensor.data().byteSize() != expected) {
            throw new IllegalArgumentException(tensor + " needs " + expected + " bytes of data, has "
                    + tensor.data().byteSize());
        }
    }

    private static void writeData(FileChannel channel, Out out, ByteBuffer staging) throws IOException {
        TensorView tensor = out.tensor();
        MemorySegment target = MemorySegment.ofBuffer(staging.clear());
        int elementsAtOnce = STAGING_BYTES / out.type().bytes();
        long elements = tensor.elements();
        for (long start = 0; start < elements; start += elementsAtOnce) {
            long count = Math.min(elementsAtOnce, elements - start);
            int inBytes = tensor.type().bytes();
            MemorySegment in = tensor.data().asSlice(start * inBytes, count * inBytes);
            if (tensor.type() == out.type()) {
                MemorySegment.copy(in, 0, target, 0, in.byteSize());
            } else {
                ElementConversion.fromF32(out.type(), in, target, count);
            }
            AtomicFiles.writeFully(
                    channel, staging.clear().limit((int) count * out.type().bytes()));
        }
    }
}
