package sn9.chain.scale;

import java.util.List;
import java.util.Optional;

/** How a type of a registry is laid out; other types are named by their id. */
public sealed interface TypeDefinition {
    /**
     * A field of a composite or of a variant.
     *
     * @param name absent in tuple structs
     * @param type id of its type
     * @param typeName the type as the source text has it
     * @param docs lines of documentation
     */
    record Field(Optional<String> name, int type, Optional<String> typeName, List<String> docs) {}

    /**
     * One variant of an enum.
     *
     * @param index the byte that stands for it, 0 to 255
     */
    record Variant(String name, List<Field> fields, int index, List<String> docs) {}

    /** A struct. */
    record Composite(List<Field> fields) implements TypeDefinition {}

    /** An enum. */
    record Variants(List<Variant> variants) implements TypeDefinition {
        /** The variant of an index, if there is one. */
        public Optional<Variant> find(int index) {
            return variants.stream().filter(v -> v.index() == index).findFirst();
        }

        /** The variant of a name, if there is one. */
        public Optional<Variant> find(String name) {
            return variants.stream().filter(v -> v.name().equals(name)).findFirst();
        }
    }

    /** A list with its length before it. */
    record Sequence(int type) implements TypeDefinition {}

    /** A list of fixed length. */
    record Array(long length, int type) implements TypeDefinition {}

    /** Values one after the other; none is the unit type. */
    record Tuple(List<Integer> types) implements TypeDefinition {}

    /** A primitive. */
    record Basic(Primitive primitive) implements TypeDefinition {}

    /** A whole number, or a struct around one, in compact form. */
    record Compact(int type) implements TypeDefinition {}

    /** A list of bits: {@code store} is the type of its words, {@code order} names which bit is first. */
    record BitSequence(int store, int order) implements TypeDefinition {}
}
