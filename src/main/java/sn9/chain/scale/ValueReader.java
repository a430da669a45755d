package sn9.chain.scale;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import sn9.MalformedDataException;

/**
 * Reads values by the types of a registry. Nesting and the number of values are bounded, so that neither a registry with
 * loops nor lists of types without bytes go on forever.
 */
final class ValueReader {
    /** Deeper nesting is refused; a batch of proxied calls of genuine runtimes stays below 40. */
    private static final int MAX_NESTING = 96;

    /** Values of one reading; the metagraph of 4,096 uids has a quarter of it. */
    private static final int MAX_VALUES = 1_000_000;

    private final TypeRegistry types;
    private final ScaleReader in;
    private int budget = MAX_VALUES;
    private int nesting;

    ValueReader(TypeRegistry types, ScaleReader in) {
        this.types = types;
        this.in = in;
    }

    Value read(int type) throws MalformedDataException {
        if (nesting == MAX_NESTING) {
            throw in.malformed("values are nested deeper than " + MAX_NESTING);
        }
        if (budget-- == 0) {
            throw in.malformed("more than " + MAX_VALUES + " values");
        }
        nesting++;
        Value value =
                switch (types.definition(type)) {
                    case TypeDefinition.Basic basic -> primitive(basic.primitive());
                    case TypeDefinition.Composite composite -> fields(composite.fields());
                    case TypeDefinition.Variants variants -> choice(type, variants);
                    case TypeDefinition.Sequence sequence -> sequence(sequence.type());
                    case TypeDefinition.Array array -> array(array);
                    case TypeDefinition.Tuple tuple -> tuple(tuple.types());
                    case TypeDefinition.Compact compact -> compact(compact.type());
                    case TypeDefinition.BitSequence bits -> bits(bits);
                };
        nesting--;
        return value;
    }

    private Value compact(int type) throws MalformedDataException {
        int bytes = types.numberBytes(type)
                .orElseThrow(() -> in.malformed(types.describe(type) + " has no compact form, a whole number has"));
        var value = in.compact();
        if (value.bitLength() > bytes * Byte.SIZE) {
            throw in.malformed(value + " does not fit Compact<" + types.describe(type) + ">");
        }
        return new Value.Int(value);
    }

    private Value primitive(Primitive primitive) throws MalformedDataException {
        return switch (primitive) {
            case BOOL -> new Value.Bool(in.bool());
            case STR -> new Value.Text(in.text());
            case CHAR -> character(in.u32());
            default ->
                new Value.Int(primitive.isSigned() ? in.signed(primitive.bytes()) : in.unsigned(primitive.bytes()));
        };
    }

    private Value character(long point) throws MalformedDataException {
        if (point > Character.MAX_CODE_POINT || point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE) {
            throw in.malformed("expected a character, found " + point);
        }
        return new Value.Text(Character.toString((int) point));
    }

    /** Fields with names make a struct, a single one without is the value itself. */
    private Value fields(List<TypeDefinition.Field> fields) throws MalformedDataException {
        if (fields.size() == 1 && fields.getFirst().name().isEmpty()) {
            return read(fields.getFirst().type());
        }
        return variantFields(fields);
    }

    private Value variantFields(List<TypeDefinition.Field> fields) throws MalformedDataException {
        if (fields.isEmpty() || fields.getFirst().name().isEmpty()) {
            var values = new ArrayList<Value>();
            for (var field : fields) {
                values.add(read(field.type()));
            }
            return new Value.Items(values);
        }
        var values = new LinkedHashMap<String, Value>();
        for (var field : fields) {
            values.put(field.name().orElse(""), read(field.type()));
        }
        return new Value.Struct(values);
    }

    private Value choice(int type, TypeDefinition.Variants variants) throws MalformedDataException {
        int index = in.u8();
        var variant = variants.find(index);
        if (variant.isEmpty()) {
            throw in.malformed(types.describe(type) + " has no variant " + index);
        }
        return new Value.Choice(
                variant.get().name(), variantFields(variant.get().fields()));
    }

    private Value sequence(int type) throws MalformedDataException {
        if (types.isByte(type)) {
            return new Value.Bytes(in.byteList());
        }
        return items(in.compact(MAX_VALUES), type);
    }

    private Value array(TypeDefinition.Array array) throws MalformedDataException {
        if (types.isByte(array.type())) {
            if (array.length() > in.remaining()) {
                throw in.malformed("expected " + array.length() + " bytes, found " + in.remaining());
            }
            return new Value.Bytes(in.bytes((int) array.length()));
        }
        return items(array.length(), array.type());
    }

    private Value items(long count, int type) throws MalformedDataException {
        var values = new ArrayList<Value>();
        for (long i = 0; i < count; i++) {
            values.add(read(type));
        }
        return new Value.Items(values);
    }

    private Value tuple(List<Integer> parts) throws MalformedDataException {
        if (parts.size() == 1) {
            return read(parts.getFirst());
        }
        var values = new ArrayList<Value>();
        for (int part : parts) {
            values.add(read(part));
        }
        return new Value.Items(values);
    }

    /** Bits in words of the store's size, first bit lowest, as truth values. */
    private Value bits(TypeDefinition.BitSequence bits) throws MalformedDataException {
        int wordBits = wordBits(types, bits, in);
        long count = in.compact(Math.min(MAX_VALUES, (long) in.remaining() * Byte.SIZE));
        byte[] words = in.bytes((int) ((count + wordBits - 1) / wordBits * (wordBits / Byte.SIZE)));
        var values = new ArrayList<Value>();
        for (int i = 0; i < count; i++) {
            values.add(new Value.Bool((words[i / Byte.SIZE] >> (i % Byte.SIZE) & 1) == 1));
        }
        budget = Math.max(0, budget - values.size());
        return new Value.Items(values);
    }

    private static int wordBits(TypeRegistry types, TypeDefinition.BitSequence bits, ScaleReader in)
            throws MalformedDataException {
        boolean lowestFirst = types.type(bits.order()).name().equals("Lsb0");
        if (lowestFirst
                && types.definition(bits.store()) instanceof TypeDefinition.Basic basic
                && basic.primitive().isNumber()
                && !basic.primitive().isSigned()) {
            return basic.primitive().bytes() * Byte.SIZE;
        }
        throw in.malformed("bits of " + types.describe(bits.store()) + " in order " + types.describe(bits.order())
                + " are not supported");
    }
}
