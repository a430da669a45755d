package sn9.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.util.ByteBufferBackedInputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import sn9.MalformedDataException;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

/**
 * What the header of a safetensors file says, checked against the file's size (spec/hub.md section 6).
 *
 * @param metadata {@code __metadata__}
 * @param tensors name to view of the file's bytes, in the order of the bytes
 * @param otherTensors name to dtype of tensors that {@link ElementType} cannot express
 */
record SafetensorsHeader(
        Map<String, String> metadata, Map<String, TensorView> tensors, Map<String, String> otherTensors) {
    static final String METADATA = "__metadata__";
    static final int LENGTH_BYTES = 8; // N, u64 little endian, before the header itself
    static final long MAX_HEADER_BYTES = 100_000_000; // the reference reader's bound
    static final int MAX_TENSORS = 100_000; // GPT-2 XL has 580
    static final int MAX_METADATA_ENTRIES = 100_000;
    static final int MAX_NAME_CHARACTERS = 4096;
    static final int MAX_RANK = 32;

    private static final ValueLayout.OfLong LENGTH = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final JsonFactory JSON = StrictJson.factory(StreamReadConstraints.builder()
            .maxDocumentLength(MAX_HEADER_BYTES)
            .maxNestingDepth(3) // header, entry, list of sizes
            .maxNameLength(MAX_NAME_CHARACTERS)
            .maxStringLength(16 << 20)
            .maxNumberLength(20) // digits of 2^64 - 1
            .build());

    /** Bits of one element of every published dtype; F4, F6 and F8 are packed. */
    private static final Map<String, Integer> DTYPE_BITS = Map.ofEntries(
            Map.entry("BOOL", 8),
            Map.entry("F4", 4),
            Map.entry("F6_E2M3", 6),
            Map.entry("F6_E3M2", 6),
            Map.entry("U8", 8),
            Map.entry("I8", 8),
            Map.entry("F8_E4M3", 8),
            Map.entry("F8_E5M2", 8),
            Map.entry("F8_E8M0", 8),
            Map.entry("F8_E4M3FNUZ", 8),
            Map.entry("F8_E5M2FNUZ", 8),
            Map.entry("I16", 16),
            Map.entry("U16", 16),
            Map.entry("F16", 16),
            Map.entry("BF16", 16),
            Map.entry("I32", 32),
            Map.entry("U32", 32),
            Map.entry("F32", 32),
            Map.entry("C64", 64),
            Map.entry("F64", 64),
            Map.entry("I64", 64),
            Map.entry("U64", 64));

    /**
     * Reads the header of a file.
     *
     * @param source what to call the file in messages
     * @param file all bytes of the file; the views are slices of it
     * @throws MalformedDataException when the header breaks any rule of the format or does not fit the file
     */
    static SafetensorsHeader parse(String source, MemorySegment file) throws MalformedDataException {
        if (file.byteSize() < LENGTH_BYTES) {
            throw new MalformedDataException(
                    source, 0, "expected at least 8 bytes of safetensors, found " + file.byteSize());
        }
        long length = file.get(LENGTH, 0);
        if (length < 0 || length > MAX_HEADER_BYTES) {
            throw new MalformedDataException(
                    source,
                    0,
                    "expected a header of at most " + MAX_HEADER_BYTES + " bytes, found a length of "
                            + Long.toUnsignedString(length));
        }
        if (length > file.byteSize() - LENGTH_BYTES) {
            throw new MalformedDataException(
                    source,
                    0,
                    "the header should have " + length + " bytes, but the file ends after "
                            + (file.byteSize() - LENGTH_BYTES));
        }
        ByteBuffer json = file.asSlice(LENGTH_BYTES, length).asByteBuffer();
        if (length == 0 || json.get(0) != '{') {
            throw new MalformedDataException(source, LENGTH_BYTES, "expected a header that starts with {");
        }
        StrictJson.checkUtf8(source, LENGTH_BYTES, json);
        return new Reader(source).read(json).laidOver(file.asSlice(LENGTH_BYTES + length));
    }

    /** A tensor's line in the header; {@code begin} and {@code end} count from the end of the header. */
    private record Entry(String name, String dtype, long[] shape, long begin, long end) {}

    /** Goes through the header once, collecting its entries. */
    private static final class Reader {
        private final String source;
        private final Map<String, String> metadata = new LinkedHashMap<>();
        private final List<Entry> entries = new ArrayList<>();

        Reader(String source) {
            this.source = source;
        }

        Reader read(ByteBuffer json) throws MalformedDataException {
            try (JsonParser parser = JSON.createParser(new ByteBufferBackedInputStream(json))) {
                expect(parser, parser.nextToken(), JsonToken.START_OBJECT, "the header");
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String name = parser.currentName();
                    parser.nextToken();
                    if (name.equals(METADATA)) {
                        readMetadata(parser);
                    } else {
                        readEntry(parser, name);
                    }
                }
                if (parser.nextToken() != null) {
                    throw fault(parser, "expected nothing but blanks after the header's }");
                }
            } catch (JsonProcessingException e) {
                throw StrictJson.malformed(source, LENGTH_BYTES, e);
            } catch (MalformedDataException e) {
                throw e;
            } catch (IOException e) {
                throw new MalformedDataException(source, -1, "cannot read the header: " + e.getMessage(), e);
            }
            return this;
        }

        private void readMetadata(JsonParser parser) throws IOException {
            expect(parser, parser.currentToken(), JsonToken.START_OBJECT, METADATA);
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String key = parser.currentName();
                expect(parser, parser.nextToken(), JsonToken.VALUE_STRING, METADATA + " " + StrictJson.shown(key));
                if (metadata.size() == MAX_METADATA_ENTRIES) {
                    throw fault(parser, "expected at most " + MAX_METADATA_ENTRIES + " entries of " + METADATA);
                }
                metadata.put(key, parser.getText());
            }
        }

        private void readEntry(JsonParser parser, String name) throws IOException {
            String shown = "tensor " + StrictJson.shown(name);
            if (entries.size() == MAX_TENSORS) {
                throw fault(parser, "expected at most " + MAX_TENSORS + " tensors");
            }
            expect(parser, parser.currentToken(), JsonToken.START_OBJECT, shown);
            String dtype = null;
            long[] shape = null;
            long[] offsets = null;
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String field = parser.currentName();
                JsonToken value = parser.nextToken();
                switch (field) {
                    case "dtype" -> {
                        expect(parser, value, JsonToken.VALUE_STRING, shown + ": dtype");
                        dtype = parser.getText();
                    }
                    case "shape" -> shape = readNumbers(parser, shown + ": shape", MAX_RANK);
                    case "data_offsets" -> offsets = readNumbers(parser, shown + ": data_offsets", 2);
                    default -> throw fault(parser, shown + ": unknown field " + StrictJson.shown(field));
                }
            }
            if (dtype == null || shape == null || offsets == null || offsets.length != 2) {
                throw fault(parser, shown + ": expected dtype, shape and two data_offsets");
            }
            if (!DTYPE_BITS.containsKey(dtype)) {
                throw fault(parser, shown + ": unknown dtype " + StrictJson.shown(dtype));
            }
            entries.add(new Entry(name, dtype, shape, offsets[0], offsets[1]));
        }

        private long[] readNumbers(JsonParser parser, String what, int most) throws IOException {
            expect(parser, parser.currentToken(), JsonToken.START_ARRAY, what);
            var numbers = new long[most];
            int count = 0;
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                if (count == most) {
                    throw fault(parser, what + ": expected at most " + most + " numbers");
                }
                expect(parser, parser.currentToken(), JsonToken.VALUE_NUMBER_INT, what);
                if (parser.getText().startsWith("-")) {
                    throw fault(parser, what + ": expected numbers from 0 up, found " + parser.getText());
                }
                numbers[count++] = parser.getLongValue(); // past 2^63 - 1 the parser objects
            }
            return Arrays.copyOf(numbers, count);
        }

        private void expect(JsonParser parser, JsonToken found, JsonToken expected, String what)
                throws MalformedDataException {
            if (found != expected) {
                throw fault(parser, what + ": expected " + expected + ", found " + found);
            }
        }

        private MalformedDataException fault(JsonParser parser, String reason) {
            return StrictJson.malformed(source, LENGTH_BYTES, parser, reason);
        }

        /** Checks that the tensors fill the data exactly, one after the other, and makes views of them. */
        SafetensorsHeader laidOver(MemorySegment data) throws MalformedDataException {
            entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
            var tensors = new LinkedHashMap<String, TensorView>();
            var others = new LinkedHashMap<String, String>();
            long position = 0;
            for (Entry entry : entries) {
                checkPlace(entry, position, data.byteSize());
                checkSize(entry);
                position = entry.end();
                if (elementType(entry.dtype()) instanceof ElementType type) {
                    MemorySegment bytes = data.asSlice(entry.begin(), entry.end() - entry.begin());
                    tensors.put(entry.name(), new TensorView(entry.name(), type, entry.shape(), bytes));
                } else {
                    others.put(entry.name(), entry.dtype());
                }
            }
            if (position != data.byteSize()) {
                throw new MalformedDataException(
                        source,
                        -1,
                        "the tensors end after " + position + " bytes of data, the file after " + data.byteSize());
            }
            return new SafetensorsHeader(
                    Collections.unmodifiableMap(metadata),
                    Collections.unmodifiableMap(tensors),
                    Collections.unmodifiableMap(others));
        }

        private void checkPlace(Entry entry, long position, long end) throws MalformedDataException {
            if (entry.begin() != position || entry.end() < entry.begin() || entry.end() > end) {
                throw new MalformedDataException(
                        source,
                        -1,
                        "tensor " + StrictJson.shown(entry.name()) + " should begin at byte " + position
                                + " of the data and end by " + end + ", its data_offsets are " + entry.begin() + " and "
                                + entry.end());
            }
        }

        private void checkSize(Entry entry) throws MalformedDataException {
            long bytes = entry.end() - entry.begin();
            long bits;
            try {
                bits = Math.multiplyExact(TensorView.elements(entry.shape()), (long) DTYPE_BITS.get(entry.dtype()));
            } catch (ArithmeticException e) {
                throw new MalformedDataException(
                        source, -1, "tensor " + StrictJson.shown(entry.name()) + ": the sizes' product overflows", e);
            }
            if (bits % 8 != 0 || bits / 8 != bytes) {
                throw new MalformedDataException(
                        source,
                        -1,
                        "tensor " + StrictJson.shown(entry.name()) + ": its shape and dtype make " + bits
                                + " bits, its data_offsets " + bytes + " bytes");
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
}
