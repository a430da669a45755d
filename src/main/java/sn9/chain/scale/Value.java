package sn9.chain.scale;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import sn9.MalformedDataException;

/**
 * A value of some type of a registry. What a type is written as:
 *
 * <ul>
 *   <li>whole numbers, plain or compact: {@link Int};
 *   <li>lists and arrays of bytes: {@link Bytes}; other lists, arrays, tuples and structs without names: {@link Items};
 *   <li>structs with named fields: {@link Struct}; enums, {@code Option} among them: {@link Choice};
 *   <li>a struct or tuple around exactly one value that has no name: that value. So an account id and a hash are
 *       {@link Bytes}, and a bounded list is a list.
 * </ul>
 *
 * <p>The questions ({@link #field}, {@link #integer} and so on) throw {@link MalformedDataException} when the value is of
 * another kind: the runtime has another layout than the caller knows.
 */
public sealed interface Value {
    /** Bytes or characters of a value that {@link #brief} shows. */
    int BRIEF = 100;

    /** A whole number. */
    record Int(BigInteger value) implements Value {}

    /** A truth value. */
    record Bool(boolean value) implements Value {}

    /** A text, also a single character. */
    record Text(String value) implements Value {}

    /** Bytes; equal when their content is. */
    record Bytes(byte[] value) implements Value {
        @Override
        public boolean equals(Object other) {
            return other instanceof Bytes bytes && Arrays.equals(value, bytes.value);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(value);
        }

        @Override
        public String toString() {
            return "0x" + HexFormat.of().formatHex(value);
        }
    }

    /** Values without names, in order. */
    record Items(List<Value> values) implements Value {}

    /** Values with names, in order. */
    record Struct(Map<String, Value> fields) implements Value {}

    /**
     * A variant of an enum.
     *
     * @param fields {@link Items} or {@link Struct}; no items for a variant without fields
     */
    record Choice(String name, Value fields) implements Value {}

    /** A whole number. */
    static Value of(long number) {
        return new Int(BigInteger.valueOf(number));
    }

    /** A whole number. */
    static Value of(BigInteger number) {
        return new Int(number);
    }

    /** A whole number from the bits of an unsigned one. */
    static Value ofUnsigned(long bits) {
        return new Int(new BigInteger(Long.toUnsignedString(bits)));
    }

    /** A truth value. */
    static Value of(boolean flag) {
        return new Bool(flag);
    }

    /** Bytes. */
    static Value of(byte[] bytes) {
        return new Bytes(bytes);
    }

    /** A text. */
    static Value of(String text) {
        return new Text(text);
    }

    /** Values without names. */
    static Value items(Value... values) {
        return new Items(List.of(values));
    }

    /** A list of whole numbers. */
    static Value numbers(int... numbers) {
        var values = new ArrayList<Value>();
        for (int number : numbers) {
            values.add(of(number));
        }
        return new Items(values);
    }

    /** A struct; {@code namesAndValues} alternate. */
    static Value struct(Object... namesAndValues) {
        var fields = new LinkedHashMap<String, Value>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            fields.put((String) namesAndValues[i], (Value) namesAndValues[i + 1]);
        }
        return new Struct(fields);
    }

    /** A variant whose fields have no names. */
    static Value choice(String name, Value... fields) {
        return new Choice(name, items(fields));
    }

    /** A present optional value. */
    static Value some(Value value) {
        return choice("Some", value);
    }

    /** An absent optional value. */
    static Value none() {
        return choice("None");
    }

    /** The whole number. */
    default BigInteger integer() throws MalformedDataException {
        return switch (this) {
            case Int number -> number.value();
            default -> throw unexpected("a whole number");
        };
    }

    /** The whole number, from 0 to 2^63 - 1. */
    default long natural() throws MalformedDataException {
        BigInteger number = integer();
        if (number.signum() < 0 || number.bitLength() >= Long.SIZE) {
            throw unexpected("a whole number from 0 to 2^63 - 1");
        }
        return number.longValue();
    }

    /** The truth value. */
    default boolean truth() throws MalformedDataException {
        return switch (this) {
            case Bool flag -> flag.value();
            default -> throw unexpected("true or false");
        };
    }

    /** The text. */
    default String text() throws MalformedDataException {
        return switch (this) {
            case Text text -> text.value();
            default -> throw unexpected("a text");
        };
    }

    /** The bytes. */
    default byte[] bytes() throws MalformedDataException {
        return switch (this) {
            case Bytes bytes -> bytes.value();
            case Items items when items.values().isEmpty() -> new byte[0];
            default -> throw unexpected("bytes");
        };
    }

    /** The values of a list or of a variant without names; those of a struct in order. */
    default List<Value> items() throws MalformedDataException {
        return switch (this) {
            case Items items -> items.values();
            case Struct struct -> List.copyOf(struct.fields().values());
            case Choice choice -> choice.fields().items();
            default -> throw unexpected("a list");
        };
    }

    /** The value at a place of a list. */
    default Value at(int place) throws MalformedDataException {
        var items = items();
        if (place >= items.size()) {
            throw unexpected("a list of more than " + place + " values");
        }
        return items.get(place);
    }

    /** A field of a struct or of a variant. */
    default Value field(String name) throws MalformedDataException {
        Value value =
                switch (this) {
                    case Struct struct -> struct.fields().get(name);
                    case Choice choice -> choice.fields().field(name);
                    default -> null;
                };
        if (value == null) {
            throw unexpected("a field " + name);
        }
        return value;
    }

    /** The enum's variant. */
    default Choice choice() throws MalformedDataException {
        return switch (this) {
            case Choice choice -> choice;
            default -> throw unexpected("an enum");
        };
    }

    /** What an {@code Option} holds. */
    default Optional<Value> optional() throws MalformedDataException {
        Choice choice = choice();
        return switch (choice.name()) {
            case "Some" -> Optional.of(choice.at(0));
            case "None" -> Optional.empty();
            default -> throw unexpected("Some or None");
        };
    }

    /** This value in an error: a large one by its kind and size, since strangers send them. */
    default String brief() {
        return switch (this) {
            case Bytes bytes when bytes.value().length > BRIEF -> bytes.value().length + " bytes";
            case Text text
            when text.value().length() > BRIEF -> "a text of " + text.value().length() + " characters";
            case Items items -> "a list of " + items.values().size() + " values";
            case Struct struct ->
                "a struct of "
                        + struct.fields().keySet().stream().limit(BRIEF / 8).toList();
            case Choice choice -> "variant " + choice.name();
            default -> toString();
        };
    }

    private MalformedDataException unexpected(String wanted) {
        return new MalformedDataException("value of the runtime", -1, "expected " + wanted + ", found " + brief());
    }
}
