package sn9.chain.scale;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a runtime says of itself (paritytech/frame-metadata), the same for versions 14, 15 and 16; what only one of them has
 * is optional. What version 16 alone knows (view functions, associated types, deprecations) is read over.
 *
 * @param types the registry all ids point into
 * @param pallets in the runtime's order
 * @param extrinsic how extrinsics are laid out
 * @param runtimeType the type of the runtime itself (14, 15)
 * @param apis runtime APIs (from 15 on; empty before)
 * @param outerEnums the enums over all pallets (from 15 on)
 * @param custom named values (from 15 on)
 */
public record Metadata(
        TypeRegistry types,
        List<Pallet> pallets,
        Extrinsic extrinsic,
        OptionalInt runtimeType,
        List<RuntimeApi> apis,
        Optional<OuterEnums> outerEnums,
        List<CustomValue> custom) {
    /**
     * A pallet.
     *
     * @param calls id of the enum of its calls
     * @param events id of the enum of its events
     * @param errors id of the enum of its errors
     * @param index the byte that stands for it in calls, events and errors
     * @param docs lines of documentation (from 15 on)
     */
    public record Pallet(
            String name,
            Optional<Storage> storage,
            OptionalInt calls,
            OptionalInt events,
            List<Constant> constants,
            OptionalInt errors,
            int index,
            List<String> docs) {
        /** A storage item of this pallet, if it has one of this name. */
        public Optional<StorageEntry> entry(String item) {
            return storage.stream()
                    .flatMap(s -> s.entries().stream())
                    .filter(e -> e.name().equals(item))
                    .findFirst();
        }

        /** A constant of this pallet, if it has one of this name. */
        public Optional<Constant> constant(String constant) {
            return constants.stream().filter(c -> c.name().equals(constant)).findFirst();
        }
    }

    /**
     * The storage of a pallet.
     *
     * @param prefix the name that its keys begin with
     */
    public record Storage(String prefix, List<StorageEntry> entries) {}

    /**
     * A storage item.
     *
     * @param optional whether an absent value is none; otherwise it is {@code fallback}
     * @param hashers one per key of a map, in order; empty for a plain value
     * @param key id of the type of the key, a tuple when there are several hashers; absent for a plain value
     * @param value id of the type of the value
     * @param fallback the value where nothing is stored
     */
    public record StorageEntry(
            String name,
            boolean optional,
            List<StorageHasher> hashers,
            OptionalInt key,
            int value,
            byte[] fallback,
            List<String> docs) {}

    /**
     * A constant.
     *
     * @param type id of its type
     * @param value its encoding
     */
    public record Constant(String name, int type, byte[] value, List<String> docs) {}

    /**
     * How extrinsics are laid out.
     *
     * @param version 4 where the runtime lists it among others (16)
     * @param type the type of the whole extrinsic (14)
     * @param address type of the sender's address
     * @param call type of the call
     * @param signature type of the signature
     * @param extra type of all extensions together (14, 15)
     * @param extensions in order
     */
    public record Extrinsic(
            int version,
            OptionalInt type,
            OptionalInt address,
            OptionalInt call,
            OptionalInt signature,
            OptionalInt extra,
            List<Extension> extensions) {}

    /**
     * A signed (transaction) extension.
     *
     * @param type id of the type that goes into the extrinsic
     * @param additional id of the type that is signed but not sent
     */
    public record Extension(String identifier, int type, int additional) {}

    /** A runtime API: {@code state_call} reaches a method as {@code name_method}. */
    public record RuntimeApi(String name, List<Method> methods, List<String> docs) {}

    /**
     * A method of a runtime API.
     *
     * @param output id of the type of its answer
     */
    public record Method(String name, List<Input> inputs, int output, List<String> docs) {}

    /** An argument of a method; {@code type} is the id of its type. */
    public record Input(String name, int type) {}

    /** Ids of the enums over the calls, events and errors of all pallets. */
    public record OuterEnums(int call, int event, int error) {}

    /** A named value of a type. */
    public record CustomValue(String name, int type, byte[] value) {}

    /** The pallet of a name, if there is one. */
    public Optional<Pallet> pallet(String name) {
        return pallets.stream().filter(p -> p.name().equals(name)).findFirst();
    }

    /** The pallet of an index, if there is one. */
    public Optional<Pallet> pallet(int index) {
        return pallets.stream().filter(p -> p.index() == index).findFirst();
    }

    /** A method of a runtime API by the name {@code state_call} takes, {@code Api_method}, if it is listed. */
    public Optional<Method> method(String name) {
        return apis.stream()
                .filter(api -> name.startsWith(api.name() + "_"))
                .flatMap(api -> api.methods().stream()
                        .filter(m -> name.length()
                                        == api.name().length() + 1 + m.name().length()
                                && name.endsWith(m.name())))
                .findFirst();
    }
}
