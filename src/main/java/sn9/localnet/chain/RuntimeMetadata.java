package sn9.localnet.chain;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;
import sn9.chain.scale.Metadata;
import sn9.chain.scale.PortableType;
import sn9.chain.scale.Primitive;
import sn9.chain.scale.ScaleWriter;
import sn9.chain.scale.StorageHasher;
import sn9.chain.scale.TypeDefinition;
import sn9.chain.scale.TypeRegistry;
import sn9.chain.scale.Value;
import sn9.localnet.chain.Declarations.Use;
import sn9.localnet.chain.Declarations.Variant;

/** Makes a runtime's metadata of its declarations: every type gets an id on its first use. */
final class RuntimeMetadata {
    private static final String CRATE = "node_subtensor_runtime";

    private static final Map<String, StorageHasher> HASHERS = Map.of(
            "identity", StorageHasher.IDENTITY,
            "twox64", StorageHasher.TWOX_64_CONCAT,
            "blake2", StorageHasher.BLAKE2_128_CONCAT);

    private final Declarations declarations;
    private final Map<String, Declarations.Type> named;
    private final Map<Use, Integer> ids = new HashMap<>();
    private final List<PortableType> types = new ArrayList<>();

    private RuntimeMetadata(Declarations declarations) {
        this.declarations = declarations;
        this.named = new HashMap<>(declarations.types());
        List<Variant> calls = new ArrayList<>();
        List<Variant> events = new ArrayList<>();
        List<Variant> errors = new ArrayList<>();
        for (var pallet : declarations.pallets()) {
            outer(pallet, "Call", pallet.calls(), calls);
            outer(pallet, "Event", pallet.events(), events);
            outer(pallet, "Error", pallet.errors(), errors);
        }
        named.put("RuntimeCall", new Declarations.Enumeration(List.of(CRATE, "RuntimeCall"), List.of(), calls));
        named.put("RuntimeEvent", new Declarations.Enumeration(List.of(CRATE, "RuntimeEvent"), List.of(), events));
        named.put("RuntimeError", new Declarations.Enumeration(List.of(CRATE, "RuntimeError"), List.of(), errors));
        named.put("Runtime", new Declarations.Struct(List.of(CRATE, "Runtime"), List.of(), List.of()));
    }

    static Metadata of(Declarations declarations) {
        return new RuntimeMetadata(declarations).metadata();
    }

    /** Declares the enum of a pallet's calls, events or errors and its place in the enum over all pallets. */
    private void outer(Declarations.Pallet pallet, String kind, List<Variant> variants, List<Variant> all) {
        if (variants.isEmpty()) {
            return;
        }
        String name = pallet.name() + kind;
        named.put(name, new Declarations.Enumeration(List.of(pallet.module(), "pallet", kind), List.of(), variants));
        var field = new Declarations.Field(Optional.empty(), new Declarations.Name(name));
        all.add(new Variant(pallet.index(), pallet.name(), List.of(field)));
    }

    private Metadata metadata() {
        List<Metadata.Pallet> pallets =
                declarations.pallets().stream().map(this::pallet).toList();
        List<Metadata.Extension> extensions = new ArrayList<>();
        List<Use> extras = new ArrayList<>();
        for (var extension : declarations.extensions()) {
            extensions.add(
                    new Metadata.Extension(extension.identifier(), id(extension.extra()), id(extension.additional())));
            extras.add(extension.extra());
        }
        int address = id(new Declarations.Name("MultiAddress"));
        int call = id(new Declarations.Name("RuntimeCall"));
        int signature = id(new Declarations.Name("MultiSignature"));
        int extra = id(new Declarations.TupleOf(extras));
        int whole = id(new Declarations.Name("UncheckedExtrinsic"), () -> extrinsic(address, call, signature, extra));
        var apis = declarations.apis().stream().map(this::api).toList();
        var extrinsic = new Metadata.Extrinsic(
                4,
                OptionalInt.of(whole),
                OptionalInt.of(address),
                OptionalInt.of(call),
                OptionalInt.of(signature),
                OptionalInt.of(extra),
                extensions);
        int runtime = id(new Declarations.Name("Runtime"));
        var outer = new Metadata.OuterEnums(
                call, id(new Declarations.Name("RuntimeEvent")), id(new Declarations.Name("RuntimeError")));
        return new Metadata(
                new TypeRegistry(types),
                pallets,
                extrinsic,
                OptionalInt.of(runtime),
                apis,
                Optional.of(outer),
                List.of());
    }

    private Metadata.Pallet pallet(Declarations.Pallet pallet) {
        List<Metadata.StorageEntry> entries =
                pallet.storage().stream().map(this::entry).toList();
        List<Metadata.Constant> constants = new ArrayList<>();
        for (var constant : pallet.constants()) {
            int type = id(constant.type());
            constants.add(new Metadata.Constant(constant.name(), type, encode(type, constant.value()), List.of()));
        }
        return new Metadata.Pallet(
                pallet.name(),
                entries.isEmpty() ? Optional.empty() : Optional.of(new Metadata.Storage(pallet.name(), entries)),
                inner(pallet.name() + "Call"),
                inner(pallet.name() + "Event"),
                constants,
                inner(pallet.name() + "Error"),
                pallet.index(),
                List.of());
    }

    private OptionalInt inner(String name) {
        return named.containsKey(name) ? OptionalInt.of(id(new Declarations.Name(name))) : OptionalInt.empty();
    }

    private Metadata.StorageEntry entry(Declarations.Item item) {
        boolean optional = item.value() instanceof Declarations.OptionOf;
        int value = id(item.value() instanceof Declarations.OptionOf option ? option.value() : item.value());
        List<Use> keys = item.keys().stream().map(Declarations.Key::type).toList();
        OptionalInt key =
                switch (keys.size()) {
                    case 0 -> OptionalInt.empty();
                    case 1 -> OptionalInt.of(id(keys.getFirst()));
                    default -> OptionalInt.of(id(new Declarations.TupleOf(keys)));
                };
        byte[] fallback = optional
                ? new byte[1]
                : item.fallback().map(literal -> encode(value, literal)).orElseGet(() -> zero(value));
        var hashers = item.keys().stream().map(k -> HASHERS.get(k.hasher())).toList();
        return new Metadata.StorageEntry(item.name(), optional, hashers, key, value, fallback, List.of());
    }

    private Metadata.RuntimeApi api(Declarations.Api api) {
        List<Metadata.Method> methods = new ArrayList<>();
        for (var method : api.methods()) {
            List<Metadata.Input> inputs = method.inputs().stream()
                    .map(input -> new Metadata.Input(input.name().orElseThrow(), id(input.type())))
                    .toList();
            methods.add(new Metadata.Method(method.name(), inputs, id(method.output()), List.of()));
        }
        return new Metadata.RuntimeApi(api.name(), methods, List.of());
    }

    private int id(Use use) {
        return id(use, () -> type(use));
    }

    /** The id is taken before the type is made, since a call may hold calls. */
    private int id(Use use, Supplier<PortableType> type) {
        Integer known = ids.get(use);
        if (known != null) {
            return known;
        }
        int id = types.size();
        ids.put(use, id);
        types.add(null);
        types.set(id, type.get());
        return id;
    }

    private PortableType type(Use use) {
        return switch (use) {
            case Declarations.Name name -> named(name.name());
            case Declarations.ListOf list -> plain(new TypeDefinition.Sequence(id(list.item())));
            case Declarations.ArrayOf array -> plain(new TypeDefinition.Array(array.length(), id(array.item())));
            case Declarations.CompactOf compact -> plain(new TypeDefinition.Compact(id(compact.number())));
            case Declarations.TupleOf tuple ->
                plain(new TypeDefinition.Tuple(
                        tuple.parts().stream().map(this::id).toList()));
            case Declarations.OptionOf option ->
                generic(
                        "Option",
                        List.of(parameter("T", option.value())),
                        List.of(variant(0, "None"), variant(1, "Some", option.value())));
            case Declarations.ResultOf result ->
                generic(
                        "Result",
                        List.of(parameter("T", result.value()), parameter("E", result.error())),
                        List.of(variant(0, "Ok", result.value()), variant(1, "Err", result.error())));
        };
    }

    private PortableType named(String name) {
        if (named.get(name) == null) {
            return plain(new TypeDefinition.Basic(Primitive.valueOf(name.toUpperCase(Locale.ROOT))));
        }
        Declarations.Type type = named.get(name);
        List<PortableType.Parameter> parameters = new ArrayList<>();
        for (var parameter : type.parameters()) {
            parameters.add(parameter(parameter.name().orElseThrow(), parameter.type()));
        }
        TypeDefinition definition =
                switch (type) {
                    case Declarations.Struct struct -> new TypeDefinition.Composite(fields(struct.fields()));
                    case Declarations.Enumeration choice -> {
                        List<TypeDefinition.Variant> variants = new ArrayList<>();
                        for (var variant : choice.variants()) {
                            variants.add(new TypeDefinition.Variant(
                                    variant.name(), fields(variant.fields()), variant.index(), List.of()));
                        }
                        yield new TypeDefinition.Variants(variants);
                    }
                };
        return new PortableType(type.path(), parameters, definition, List.of());
    }

    private List<TypeDefinition.Field> fields(List<Declarations.Field> fields) {
        List<TypeDefinition.Field> made = new ArrayList<>();
        for (var field : fields) {
            made.add(new TypeDefinition.Field(field.name(), id(field.type()), Optional.empty(), List.of()));
        }
        return made;
    }

    private TypeDefinition.Variant variant(int index, String name, Use... fields) {
        List<TypeDefinition.Field> made = new ArrayList<>();
        for (Use field : fields) {
            made.add(new TypeDefinition.Field(Optional.empty(), id(field), Optional.empty(), List.of()));
        }
        return new TypeDefinition.Variant(name, made, index, List.of());
    }

    private PortableType.Parameter parameter(String name, Use type) {
        return new PortableType.Parameter(name, OptionalInt.of(id(type)));
    }

    private static PortableType plain(TypeDefinition definition) {
        return new PortableType(List.of(), List.of(), definition, List.of());
    }

    private static PortableType generic(
            String name, List<PortableType.Parameter> parameters, List<TypeDefinition.Variant> variants) {
        return new PortableType(List.of(name), parameters, new TypeDefinition.Variants(variants), List.of());
    }

    /** Bytes with their length before them; clients take address, call, signature and extra from its parameters. */
    private PortableType extrinsic(int address, int call, int signature, int extra) {
        var parameters = List.of(
                new PortableType.Parameter("Address", OptionalInt.of(address)),
                new PortableType.Parameter("Call", OptionalInt.of(call)),
                new PortableType.Parameter("Signature", OptionalInt.of(signature)),
                new PortableType.Parameter("Extra", OptionalInt.of(extra)));
        int bytes = id(new Declarations.ListOf(new Declarations.Name("u8")));
        var field = new TypeDefinition.Field(Optional.empty(), bytes, Optional.empty(), List.of());
        return new PortableType(
                List.of("sp_runtime", "generic", "unchecked_extrinsic", "UncheckedExtrinsic"),
                parameters,
                new TypeDefinition.Composite(List.of(field)),
                List.of());
    }

    private byte[] encode(int type, Declarations.Literal literal) {
        String text = literal.text();
        if (text.startsWith("0x")) {
            return HexFormat.of().parseHex(text.substring(2));
        }
        boolean truth = text.equals("true") || text.equals("false");
        Value value = truth ? Value.of(text.equals("true")) : Value.of(new BigInteger(text));
        return new TypeRegistry(types).bytes(type, value);
    }

    /** The encoding of numbers that are zero, lists that are empty and first variants. */
    private byte[] zero(int type) {
        var out = new ScaleWriter();
        zero(type, out);
        return out.toBytes();
    }

    private void zero(int type, ScaleWriter out) {
        switch (types.get(type).definition()) {
            case TypeDefinition.Basic basic ->
                out.bytes(
                        new byte
                                [basic.primitive().isNumber()
                                        ? basic.primitive().bytes()
                                        : 1]);
            case TypeDefinition.Composite composite -> composite.fields().forEach(field -> zero(field.type(), out));
            case TypeDefinition.Tuple tuple -> tuple.types().forEach(part -> zero(part, out));
            case TypeDefinition.Array array -> {
                for (long i = 0; i < array.length(); i++) {
                    zero(array.type(), out);
                }
            }
            case TypeDefinition.Sequence _, TypeDefinition.Compact _ -> out.u8(0);
            case TypeDefinition.Variants _, TypeDefinition.BitSequence _ ->
                throw new IllegalArgumentException("runtime.txt: an enum needs its default written out");
        }
    }
}
