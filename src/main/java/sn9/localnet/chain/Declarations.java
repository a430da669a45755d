package sn9.localnet.chain;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What {@code runtime.txt} declares, as it is written there; {@link RuntimeMetadata} gives types their ids.
 *
 * @param types structs and enums by the last part of their path
 * @param pallets in order of their index
 */
record Declarations(
        String specName,
        long specVersion,
        long transactionVersion,
        Map<String, Type> types,
        List<Pallet> pallets,
        List<Api> apis,
        List<Extension> extensions) {
    /** A type where it is used. */
    sealed interface Use {}

    /** A primitive, or a struct or enum by the last part of its path. */
    record Name(String name) implements Use {}

    record ListOf(Use item) implements Use {}

    record ArrayOf(Use item, int length) implements Use {}

    record TupleOf(List<Use> parts) implements Use {}

    record CompactOf(Use number) implements Use {}

    record OptionOf(Use value) implements Use {}

    record ResultOf(Use value, Use error) implements Use {}

    /** A struct or an enum. */
    sealed interface Type {
        List<String> path();

        /** What generic parameters stand for; clients look for those of a few types. */
        List<Field> parameters();
    }

    record Struct(List<String> path, List<Field> parameters, List<Field> fields) implements Type {}

    record Enumeration(List<String> path, List<Field> parameters, List<Variant> variants) implements Type {}

    /** A field; without a name in tuple structs. */
    record Field(Optional<String> name, Use type) {}

    /** A variant of an enum, a call or an event. */
    record Variant(int index, String name, List<Field> fields) {}

    /** @param module the crate its types live in */
    record Pallet(
            String name,
            int index,
            String module,
            List<Item> storage,
            List<Variant> calls,
            List<Variant> events,
            List<Variant> errors,
            List<Constant> constants) {}

    /**
     * A storage item.
     *
     * @param keys hasher and type of each key, in order
     * @param value its type; an {@link OptionOf} where absence is no value
     * @param fallback literal of the value where nothing is stored; zero when absent
     */
    record Item(String name, List<Key> keys, Use value, Optional<Literal> fallback) {}

    record Key(String hasher, Use type) {}

    record Constant(String name, Use type, Literal value) {}

    /** A number, {@code true} or {@code false}, or the bytes of an encoding. */
    record Literal(String text) {}

    record Api(String name, int version, List<Method> methods) {}

    record Method(String name, List<Field> inputs, Use output) {}

    record Extension(String identifier, Use extra, Use additional) {}
}
