package sn9.data;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import sn9.MalformedDataException;

/**
 * One struct of Thrift's compact protocol, the encoding of Parquet's footer and page headers
 * (apache/thrift:doc/specs/thrift-compact-protocol.md). Every length is checked against the bytes that are there before
 * anything is allocated, and nesting is bounded.
 */
final class ThriftStruct {
    private static final int MAX_NESTING = 24;

    /** Values in one struct with all it holds; a footer of a thousand row groups of ten columns has 200,000. */
    private static final int MAX_VALUES = 1_000_000;

    private static final int TRUE = 1;
    private static final int FALSE = 2;
    private static final int BYTE = 3;
    private static final int I16 = 4;
    private static final int I32 = 5;
    private static final int I64 = 6;
    private static final int DOUBLE = 7;
    private static final int BINARY = 8;
    private static final int LIST = 9;
    private static final int SET = 10;
    private static final int MAP = 11;
    private static final int STRUCT = 12;

    private final String source;
    private final Map<Integer, Object> fields = new HashMap<>();

    private ThriftStruct(String source) {
        this.source = source;
    }

    /**
     * Reads one struct and leaves {@code in} right after it.
     *
     * @param source names the file in errors
     * @throws MalformedDataException when the bytes are no such struct, or end too early
     */
    static ThriftStruct read(ByteBuffer in, String source) throws MalformedDataException {
        return new Reader(in, source).struct(0);
    }

    /** A whole number; refuses a missing one. */
    long number(int field) throws MalformedDataException {
        return optionalNumber(field).orElseThrow(() -> missing(field, "number"));
    }

    /** A whole number from 0 to {@code max}. */
    int size(int field, int max, String what) throws MalformedDataException {
        long size = number(field);
        if (size < 0 || size > max) {
            throw new MalformedDataException(source, -1, what + " is " + size + ", expected 0 to " + max);
        }
        return (int) size;
    }

    /** A whole number, if it is there. */
    Optional<Long> optionalNumber(int field) {
        return fields.get(field) instanceof Long number ? Optional.of(number) : Optional.empty();
    }

    /** A truth value, or the default. */
    boolean flag(int field, boolean otherwise) {
        return fields.get(field) instanceof Boolean flag ? flag : otherwise;
    }

    /** A struct; refuses a missing one. */
    ThriftStruct struct(int field) throws MalformedDataException {
        if (fields.get(field) instanceof ThriftStruct struct) {
            return struct;
        }
        throw missing(field, "struct");
    }

    /** A text; refuses a missing one. */
    String text(int field) throws MalformedDataException {
        if (fields.get(field) instanceof byte[] bytes) {
            return new String(bytes, StandardCharsets.UTF_8);
        }
        throw missing(field, "text");
    }

    /** A list of structs; refuses a missing one and other elements. */
    List<ThriftStruct> structs(int field) throws MalformedDataException {
        if (!(fields.get(field) instanceof List<?> list)) {
            throw missing(field, "list");
        }
        var structs = new ArrayList<ThriftStruct>(list.size());
        for (Object element : list) {
            if (!(element instanceof ThriftStruct struct)) {
                throw missing(field, "list of structs");
            }
            structs.add(struct);
        }
        return structs;
    }

    private MalformedDataException missing(int field, String what) {
        return new MalformedDataException(source, -1, "expected a " + what + " as field " + field + " of its metadata");
    }

    /** Walks the bytes; every number of elements is held against the bytes left and a budget of values. */
    private static final class Reader {
        private final ByteBuffer in;
        private final String source;
        private int budget = MAX_VALUES;

        private Reader(ByteBuffer in, String source) {
            this.in = in;
            this.source = source;
        }

        private ThriftStruct struct(int nesting) throws MalformedDataException {
            var struct = new ThriftStruct(source);
            int id = 0;
            for (int head = octet(); head != 0; head = octet()) {
                int delta = head >>> 4;
                id = delta == 0 ? (int) zigzag() : id + delta;
                int type = head & 15;
                struct.fields.put(id, type == TRUE || type == FALSE ? (Object) (type == TRUE) : value(type, nesting));
            }
            return struct;
        }

        private Object value(int type, int nesting) throws MalformedDataException {
            if (nesting == MAX_NESTING) {
                throw new MalformedDataException(source, -1, "metadata is nested deeper than " + MAX_NESTING);
            }
            if (budget-- == 0) {
                throw new MalformedDataException(source, -1, "metadata has more than " + MAX_VALUES + " values");
            }
            return switch (type) {
                case TRUE, FALSE -> octet() == TRUE;
                case BYTE -> (long) (byte) octet();
                case I16, I32, I64 -> zigzag();
                case DOUBLE -> {
                    need(8);
                    yield in.getDouble();
                }
                case BINARY -> {
                    var bytes = new byte[count(varint())];
                    in.get(bytes);
                    yield bytes;
                }
                case LIST, SET -> {
                    int head = octet();
                    yield list(head >>> 4 == 15 ? varint() : head >>> 4, head & 15, nesting);
                }
                case MAP -> map(nesting);
                case STRUCT -> struct(nesting + 1);
                default -> throw new MalformedDataException(source, -1, "metadata has a value of unknown type " + type);
            };
        }

        private List<Object> list(long size, int type, int nesting) throws MalformedDataException {
            // Each element takes a byte or more.
            int count = count(size);
            var list = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                list.add(value(type, nesting + 1));
            }
            return list;
        }

        /** Parquet has no maps; one is read over and kept as the list of its keys and values. */
        private List<Object> map(int nesting) throws MalformedDataException {
            int count = count(varint());
            int types = count == 0 ? 0 : octet();
            var list = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                list.add(value(types >>> 4, nesting + 1));
                list.add(value(types & 15, nesting + 1));
            }
            return list;
        }

        private int octet() throws MalformedDataException {
            need(1);
            return in.get() & 0xFF;
        }

        private long zigzag() throws MalformedDataException {
            long value = varint();
            return value >>> 1 ^ -(value & 1);
        }

        private long varint() throws MalformedDataException {
            long value = 0;
            for (int shift = 0; shift < 64; shift += 7) {
                int b = octet();
                value |= (long) (b & 0x7F) << shift;
                if (b < 0x80) {
                    return value;
                }
            }
            throw new MalformedDataException(source, -1, "metadata has a number of more than ten bytes");
        }

        private int count(long count) throws MalformedDataException {
            need(count);
            return (int) count;
        }

        private void need(long bytes) throws MalformedDataException {
            if (bytes < 0 || bytes > in.remaining()) {
                throw new MalformedDataException(
                        source,
                        -1,
                        "metadata ends too early: a value needs " + Long.toUnsignedString(bytes) + " bytes, "
                                + in.remaining() + " are left");
            }
        }
    }
}
