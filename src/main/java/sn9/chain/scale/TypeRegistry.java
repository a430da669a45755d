package sn9.chain.scale;

import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import sn9.MalformedDataException;

/**
 * The types of a runtime; a type's id is its place.
 *
 * @param types in order of id
 */
public record TypeRegistry(List<PortableType> types) {
    /** How deep {@link #describe} goes. */
    private static final int DESCRIBED_DEPTH = 4;

    /** How many structs around a number are looked through: a bound for registries with loops. */
    private static final int WRAPPED_DEPTH = 8;

    /** Keeps its own list. */
    public TypeRegistry {
        types = List.copyOf(types);
    }

    /**
     * A type.
     *
     * @throws IllegalArgumentException when there is none of this id; {@link MetadataReader} lets no such id pass
     */
    public PortableType type(int id) {
        if (id < 0 || id >= types.size()) {
            throw new IllegalArgumentException("type " + id + " does not exist: there are " + types.size());
        }
        return types.get(id);
    }

    /** How a type is laid out. */
    public TypeDefinition definition(int id) {
        return type(id).definition();
    }

    /** Whether a type is a single byte, so that lists of it are bytes. */
    boolean isByte(int id) {
        return definition(id) instanceof TypeDefinition.Basic basic && basic.primitive() == Primitive.U8;
    }

    /**
     * Reads one value, no more.
     *
     * @throws MalformedDataException when the bytes are none of this type
     */
    public Value read(int id, ScaleReader in) throws MalformedDataException {
        return new ValueReader(this, in).read(id);
    }

    /**
     * Reads the one value that the bytes are.
     *
     * @param source names the bytes in errors
     * @throws MalformedDataException when the bytes are none of this type, or some are left over
     */
    public Value read(int id, String source, byte[] bytes) throws MalformedDataException {
        var in = new ScaleReader(source, bytes);
        Value value = read(id, in);
        in.end();
        return value;
    }

    /**
     * Writes a value.
     *
     * @throws IllegalArgumentException when it is none of this type: the message names both
     */
    public void write(int id, Value value, ScaleWriter out) {
        new ValueWriter(this, out).write(id, value);
    }

    /** The bytes of a value; throws as {@link #write} does. */
    public byte[] bytes(int id, Value value) {
        var out = new ScaleWriter();
        write(id, value, out);
        return out.toBytes();
    }

    /** Whether a type takes no bytes at all: the unit, and structs, tuples and arrays of such. */
    public boolean isEmpty(int id) {
        try {
            read(id, "no bytes", new byte[0]);
            return true;
        } catch (MalformedDataException e) {
            return false;
        }
    }

    /** Bytes of the whole number that a type is, through the structs and tuples around it; empty for any other type. */
    OptionalInt numberBytes(int id) {
        int inner = id;
        for (int depth = 0; depth < WRAPPED_DEPTH; depth++) {
            switch (definition(inner)) {
                case TypeDefinition.Basic basic
                when basic.primitive().isNumber() -> {
                    return OptionalInt.of(basic.primitive().bytes());
                }
                case TypeDefinition.Composite composite
                when composite.fields().size() == 1 ->
                    inner = composite.fields().getFirst().type();
                case TypeDefinition.Tuple tuple
                when tuple.types().size() == 1 -> inner = tuple.types().getFirst();
                default -> {
                    return OptionalInt.empty();
                }
            }
        }
        return OptionalInt.empty();
    }

    /** A type in words, for errors: {@code Vec<u16>}, {@code AccountId32}, {@code (u16, u16)}. */
    public String describe(int id) {
        return describe(id, DESCRIBED_DEPTH);
    }

    private String describe(int id, int depth) {
        PortableType type = type(id);
        if (depth == 0) {
            return "...";
        }
        return switch (type.definition()) {
            case TypeDefinition.Basic basic -> basic.primitive().name().toLowerCase(Locale.ROOT);
            case TypeDefinition.Sequence sequence -> "Vec<" + describe(sequence.type(), depth - 1) + ">";
            case TypeDefinition.Array array -> "[" + describe(array.type(), depth - 1) + "; " + array.length() + "]";
            case TypeDefinition.Compact compact -> "Compact<" + describe(compact.type(), depth - 1) + ">";
            case TypeDefinition.Tuple tuple ->
                tuple.types().stream()
                        .limit(8)
                        .map(part -> describe(part, depth - 1))
                        .collect(Collectors.joining(", ", "(", ")"));
            case TypeDefinition.BitSequence _ -> "BitVec";
            case TypeDefinition.Composite _, TypeDefinition.Variants _ -> type.name();
        };
    }
}
