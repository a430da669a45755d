package sn9.chain.scale;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import sn9.MalformedDataException;

/** Reads the registry of types out of metadata (paritytech/scale-info:src/portable.rs). */
final class TypeReader {
    /** An enum's variants are told apart by a byte. */
    private static final int MAX_VARIANTS = 256;

    private final ScaleReader in;
    private int largestId = -1;

    TypeReader(ScaleReader in) {
        this.in = in;
    }

    TypeRegistry registry() throws MalformedDataException {
        var types = new ArrayList<PortableType>();
        int count = in.count(6);
        for (int place = 0; place < count; place++) {
            long id = in.compact(0xFFFF_FFFFL);
            if (id != place) {
                throw in.malformed("expected type " + place + " of the registry, found " + id);
            }
            types.add(new PortableType(texts(in), parameters(), definition(), texts(in)));
        }
        if (largestId >= count) {
            throw in.malformed("a type refers to type " + largestId + ", there are " + count);
        }
        return new TypeRegistry(types);
    }

    static List<String> docs(ScaleReader in) throws MalformedDataException {
        return texts(in);
    }

    static List<String> texts(ScaleReader in) throws MalformedDataException {
        var texts = new ArrayList<String>();
        for (int left = in.count(1); left > 0; left--) {
            texts.add(in.text());
        }
        return List.copyOf(texts);
    }

    private List<PortableType.Parameter> parameters() throws MalformedDataException {
        var parameters = new ArrayList<PortableType.Parameter>();
        for (int left = in.count(2); left > 0; left--) {
            String name = in.text();
            parameters.add(new PortableType.Parameter(name, in.option() ? OptionalInt.of(id()) : OptionalInt.empty()));
        }
        return List.copyOf(parameters);
    }

    private TypeDefinition definition() throws MalformedDataException {
        int tag = in.u8();
        return switch (tag) {
            case 0 -> new TypeDefinition.Composite(fields());
            case 1 -> variants();
            case 2 -> new TypeDefinition.Sequence(id());
            case 3 -> new TypeDefinition.Array(in.u32(), id());
            case 4 -> tuple();
            case 5 -> primitive();
            case 6 -> new TypeDefinition.Compact(id());
            case 7 -> new TypeDefinition.BitSequence(id(), id());
            default -> throw in.malformed("expected the kind of a type, 0 to 7, found " + tag);
        };
    }

    private TypeDefinition variants() throws MalformedDataException {
        var variants = new ArrayList<TypeDefinition.Variant>();
        var indices = new BitSet(MAX_VARIANTS);
        for (int left = in.count(4); left > 0; left--) {
            var variant = new TypeDefinition.Variant(in.text(), fields(), in.u8(), texts(in));
            if (indices.get(variant.index())) {
                throw in.malformed("two variants of an enum have the index " + variant.index());
            }
            indices.set(variant.index());
            variants.add(variant);
        }
        return new TypeDefinition.Variants(List.copyOf(variants));
    }

    private List<TypeDefinition.Field> fields() throws MalformedDataException {
        var fields = new ArrayList<TypeDefinition.Field>();
        for (int left = in.count(4); left > 0; left--) {
            fields.add(new TypeDefinition.Field(optionalText(), id(), optionalText(), texts(in)));
        }
        return List.copyOf(fields);
    }

    private Optional<String> optionalText() throws MalformedDataException {
        return in.option() ? Optional.of(in.text()) : Optional.empty();
    }

    private TypeDefinition tuple() throws MalformedDataException {
        var types = new ArrayList<Integer>();
        for (int left = in.count(1); left > 0; left--) {
            types.add(id());
        }
        return new TypeDefinition.Tuple(List.copyOf(types));
    }

    private TypeDefinition primitive() throws MalformedDataException {
        int tag = in.u8();
        if (tag >= Primitive.values().length) {
            throw in.malformed("expected a primitive, 0 to 14, found " + tag);
        }
        return new TypeDefinition.Basic(Primitive.values()[tag]);
    }

    private int id() throws MalformedDataException {
        int id = (int) in.compact(Integer.MAX_VALUE);
        largestId = Math.max(largestId, id);
        return id;
    }
}
