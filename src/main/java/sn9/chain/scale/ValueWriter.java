package sn9.chain.scale;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Writes values by the types of a registry, the other side of {@link ValueReader}. */
final class ValueWriter {
    private static final int MAX_NESTING = 96;

    private final TypeRegistry types;
    private final ScaleWriter out;
    private int nesting;

    ValueWriter(TypeRegistry types, ScaleWriter out) {
        this.types = types;
        this.out = out;
    }

    void write(int type, Value value) {
        if (nesting == MAX_NESTING) {
            throw new IllegalArgumentException("values are nested deeper than " + MAX_NESTING);
        }
        nesting++;
        switch (types.definition(type)) {
            case TypeDefinition.Basic basic -> primitive(basic.primitive(), type, value);
            case TypeDefinition.Composite composite -> fields(composite.fields(), type, value);
            case TypeDefinition.Variants variants -> choice(variants, type, value);
            case TypeDefinition.Sequence sequence -> sequence(sequence, type, value);
            case TypeDefinition.Array array -> array(array, type, value);
            case TypeDefinition.Tuple tuple -> tuple(tuple.types(), type, value);
            case TypeDefinition.Compact compact -> compact(compact, type, value);
            case TypeDefinition.BitSequence _ ->
                throw new IllegalArgumentException("bits are read, not written: " + value);
        }
        nesting--;
    }

    private void primitive(Primitive primitive, int type, Value value) {
        switch (value) {
            case Value.Bool flag when primitive == Primitive.BOOL -> out.bool(flag.value());
            case Value.Text text when primitive == Primitive.STR -> out.text(text.value());
            case Value.Text text
            when primitive == Primitive.CHAR
                    && text.value().codePointCount(0, text.value().length()) == 1 ->
                out.u32(text.value().codePointAt(0));
            case Value.Int number when primitive.isSigned() -> out.signed(number.value(), primitive.bytes());
            case Value.Int number when primitive.isNumber() -> out.unsigned(number.value(), primitive.bytes());
            default -> throw mismatch(type, value);
        }
    }

    /** A compact number; one wrapped in structs is still a number. */
    private void compact(TypeDefinition.Compact compact, int type, Value value) {
        if (!(value instanceof Value.Int number)) {
            throw mismatch(type, value);
        }
        int bytes = types.numberBytes(compact.type()).orElseThrow(() -> mismatch(type, value));
        if (number.value().bitLength() > bytes * Byte.SIZE) {
            throw new IllegalArgumentException(number.value() + " does not fit " + types.describe(type));
        }
        out.compact(number.value());
    }

    private void fields(List<TypeDefinition.Field> fields, int type, Value value) {
        if (fields.size() == 1 && fields.getFirst().name().isEmpty()) {
            write(fields.getFirst().type(), value);
            return;
        }
        variantFields(fields, type, value);
    }

    private void variantFields(List<TypeDefinition.Field> fields, int type, Value value) {
        switch (value) {
            case Value.Struct struct
            when named(fields, struct.fields()) ->
                fields.forEach(field ->
                        write(field.type(), struct.fields().get(field.name().orElseThrow())));
            case Value.Items items
            when items.values().size() == fields.size() -> {
                for (int i = 0; i < fields.size(); i++) {
                    write(fields.get(i).type(), items.values().get(i));
                }
            }
            default ->
                throw new IllegalArgumentException(
                        types.describe(type) + " has the fields " + names(fields) + ", given was " + value.brief());
        }
    }

    private static boolean named(List<TypeDefinition.Field> fields, Map<String, Value> values) {
        return fields.size() == values.size()
                && fields.stream()
                        .allMatch(field ->
                                field.name().filter(values::containsKey).isPresent());
    }

    private String names(List<TypeDefinition.Field> fields) {
        var names = new ArrayList<String>();
        for (var field : fields) {
            names.add(field.name().map(name -> name + ": ").orElse("") + types.describe(field.type()));
        }
        return names.toString();
    }

    private void choice(TypeDefinition.Variants variants, int type, Value value) {
        if (!(value instanceof Value.Choice choice)) {
            throw mismatch(type, value);
        }
        var variant = variants.find(choice.name())
                .orElseThrow(
                        () -> new IllegalArgumentException(types.describe(type) + " has no variant " + choice.name()));
        out.u8(variant.index());
        variantFields(variant.fields(), type, choice.fields());
    }

    private void sequence(TypeDefinition.Sequence sequence, int type, Value value) {
        switch (value) {
            case Value.Bytes bytes when types.isByte(sequence.type()) -> out.byteList(bytes.value());
            case Value.Items items -> {
                out.compact(items.values().size());
                items.values().forEach(item -> write(sequence.type(), item));
            }
            default -> throw mismatch(type, value);
        }
    }

    private void array(TypeDefinition.Array array, int type, Value value) {
        switch (value) {
            case Value.Bytes bytes
            when types.isByte(array.type()) && bytes.value().length == array.length() -> out.bytes(bytes.value());
            case Value.Items items
            when items.values().size() == array.length() -> items.values().forEach(item -> write(array.type(), item));
            default -> throw mismatch(type, value);
        }
    }

    private void tuple(List<Integer> parts, int type, Value value) {
        if (parts.size() == 1) {
            write(parts.getFirst(), value);
            return;
        }
        if (!(value instanceof Value.Items items) || items.values().size() != parts.size()) {
            throw mismatch(type, value);
        }
        for (int i = 0; i < parts.size(); i++) {
            write(parts.get(i), items.values().get(i));
        }
    }

    private IllegalArgumentException mismatch(int type, Value value) {
        return new IllegalArgumentException("expected " + types.describe(type) + ", given was " + value.brief());
    }
}
