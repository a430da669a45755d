package sn9.chain.scale;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import sn9.MalformedDataException;

/**
 * Reads runtime metadata of versions 14, 15 and 16 (paritytech/frame-metadata:frame-metadata/src/v14.rs, v15.rs, v16.rs;
 * spec/chain.md 2). Every type id that it lets pass exists.
 */
public final class MetadataReader {
    /** {@code meta}, the first four bytes. */
    private static final long MAGIC = 0x6174656dL;

    /** Larger metadata is refused; genuine runtimes have a third of a megabyte. */
    public static final int MAX_BYTES = 8 << 20;

    /** Types, fields, lines of documentation and so on, all together; genuine runtimes have a tenth. */
    private static final int MAX_ITEMS = 300_000;

    /** The version of extrinsics that {@link ExtrinsicFormat} writes; chosen where several are listed. */
    private static final int EXTRINSIC_VERSION = 4;

    private final ScaleReader in;
    private final int version;
    private final TypeRegistry types;

    private MetadataReader(ScaleReader in) throws MalformedDataException {
        this.in = in;
        if (in.remaining() > MAX_BYTES) {
            throw in.malformed("metadata has " + in.remaining() + " bytes, expected at most " + MAX_BYTES);
        }
        in.limitItems(MAX_ITEMS);
        long magic = in.u32();
        if (magic != MAGIC) {
            throw in.malformed("expected metadata, which begins with \"meta\", found " + Long.toHexString(magic));
        }
        this.version = in.u8();
        if (version < 14 || version > 16) {
            throw in.malformed("expected metadata of version 14, 15 or 16, found " + version);
        }
        this.types = new TypeReader(in).registry();
    }

    /**
     * Reads a whole blob.
     *
     * @param source names it in errors
     * @throws MalformedDataException when it is no such metadata, or bytes are left over
     */
    public static Metadata read(String source, byte[] bytes) throws MalformedDataException {
        var in = new ScaleReader(source, bytes);
        Metadata metadata = new MetadataReader(in).metadata();
        in.end();
        return metadata;
    }

    private Metadata metadata() throws MalformedDataException {
        var pallets = new ArrayList<Metadata.Pallet>();
        for (int left = in.count(7); left > 0; left--) {
            pallets.add(pallet());
        }
        var extrinsic = version == 16 ? extrinsic16() : extrinsic();
        var runtime = version == 16 ? OptionalInt.empty() : OptionalInt.of(id());
        if (version == 14) {
            return new Metadata(types, pallets, extrinsic, runtime, List.of(), Optional.empty(), List.of());
        }
        var apis = new ArrayList<Metadata.RuntimeApi>();
        for (int left = in.count(3); left > 0; left--) {
            apis.add(api());
        }
        var outer = new Metadata.OuterEnums(id(), id(), id());
        var custom = new ArrayList<Metadata.CustomValue>();
        for (int left = in.count(3); left > 0; left--) {
            custom.add(new Metadata.CustomValue(in.text(), id(), in.byteList()));
        }
        return new Metadata(types, pallets, extrinsic, runtime, apis, Optional.of(outer), custom);
    }

    private Metadata.Pallet pallet() throws MalformedDataException {
        String name = in.text();
        var storage = in.option() ? Optional.of(storage()) : Optional.<Metadata.Storage>empty();
        var calls = variants();
        var events = variants();
        var constants = new ArrayList<Metadata.Constant>();
        for (int left = in.count(4); left > 0; left--) {
            constants.add(new Metadata.Constant(in.text(), id(), in.byteList(), docs()));
            deprecation();
        }
        var errors = variants();
        if (version == 16) {
            associatedTypes();
            viewFunctions();
        }
        int index = in.u8();
        var docs = version == 14 ? List.<String>of() : docs();
        deprecation();
        return new Metadata.Pallet(name, storage, calls, events, constants, errors, index, docs);
    }

    private Metadata.Storage storage() throws MalformedDataException {
        String prefix = in.text();
        var entries = new ArrayList<Metadata.StorageEntry>();
        for (int left = in.count(6); left > 0; left--) {
            entries.add(entry());
            deprecation();
        }
        return new Metadata.Storage(prefix, entries);
    }

    private Metadata.StorageEntry entry() throws MalformedDataException {
        String name = in.text();
        boolean optional = tag("a storage modifier", 2) == 0;
        var hashers = new ArrayList<StorageHasher>();
        var key = OptionalInt.empty();
        if (tag("a storage type", 2) == 1) {
            for (int left = in.count(1); left > 0; left--) {
                hashers.add(StorageHasher.values()[tag("a hasher", StorageHasher.values().length)]);
            }
            key = OptionalInt.of(keyOf(name, hashers.size()));
        }
        return new Metadata.StorageEntry(name, optional, hashers, key, id(), in.byteList(), docs());
    }

    /** The id of the type of a map's key: with several hashers a tuple of as many. */
    private int keyOf(String name, int hashers) throws MalformedDataException {
        int id = id();
        boolean fits = hashers == 1
                || types.definition(id) instanceof TypeDefinition.Tuple tuple
                        && tuple.types().size() == hashers;
        if (!fits) {
            throw in.malformed(
                    "storage item " + name + " has " + hashers + " hashers and a key of type " + types.describe(id));
        }
        return id;
    }

    /** The id of an enum, if there is one, with its deprecations. */
    private OptionalInt variants() throws MalformedDataException {
        if (!in.option()) {
            return OptionalInt.empty();
        }
        int id = id();
        if (version == 16) {
            for (int left = in.count(2); left > 0; left--) {
                in.u8(); // index of the variant
                deprecation();
            }
        }
        return OptionalInt.of(id);
    }

    private void associatedTypes() throws MalformedDataException {
        for (int left = in.count(3); left > 0; left--) {
            in.text();
            id();
            docs();
        }
    }

    private void viewFunctions() throws MalformedDataException {
        for (int left = in.count(36); left > 0; left--) {
            in.bytes(32); // its hash
            in.text();
            inputs();
            id();
            docs();
            deprecation();
        }
    }

    private Metadata.Extrinsic extrinsic() throws MalformedDataException {
        if (version == 15) {
            int number = in.u8();
            return new Metadata.Extrinsic(
                    number,
                    OptionalInt.empty(),
                    OptionalInt.of(id()),
                    OptionalInt.of(id()),
                    OptionalInt.of(id()),
                    OptionalInt.of(id()),
                    extensions());
        }
        int type = id();
        int number = in.u8();
        var parameters = types.type(type).parameters();
        return new Metadata.Extrinsic(
                number,
                OptionalInt.of(type),
                parameter(parameters, "Address"),
                parameter(parameters, "Call"),
                parameter(parameters, "Signature"),
                parameter(parameters, "Extra"),
                extensions());
    }

    private static OptionalInt parameter(List<PortableType.Parameter> parameters, String name) {
        return parameters.stream()
                .filter(p -> p.name().equals(name))
                .map(PortableType.Parameter::type)
                .findFirst()
                .orElse(OptionalInt.empty());
    }

    private Metadata.Extrinsic extrinsic16() throws MalformedDataException {
        int chosen = 0;
        for (byte number : in.byteList()) {
            chosen = chosen == EXTRINSIC_VERSION || number == EXTRINSIC_VERSION ? EXTRINSIC_VERSION : number & 0xFF;
        }
        var address = OptionalInt.of(id());
        var call = OptionalInt.of(id());
        var signature = OptionalInt.of(id());
        var used = usedExtensions();
        var all = extensions();
        var extensions = new ArrayList<Metadata.Extension>();
        for (int place : used) {
            if (place >= all.size()) {
                throw in.malformed("extension " + place + " does not exist: there are " + all.size());
            }
            extensions.add(all.get(place));
        }
        return new Metadata.Extrinsic(
                chosen,
                OptionalInt.empty(),
                address,
                call,
                signature,
                OptionalInt.empty(),
                used.isEmpty() ? all : extensions);
    }

    /** Places of the extensions of version 0, the one that extrinsics of version 4 carry. */
    private List<Integer> usedExtensions() throws MalformedDataException {
        var used = new ArrayList<Integer>();
        for (int left = in.count(2); left > 0; left--) {
            int number = in.u8();
            for (int places = in.count(1); places > 0; places--) {
                int place = (int) in.compact(Integer.MAX_VALUE);
                if (number == 0) {
                    used.add(place);
                }
            }
        }
        return used;
    }

    private List<Metadata.Extension> extensions() throws MalformedDataException {
        var extensions = new ArrayList<Metadata.Extension>();
        for (int left = in.count(3); left > 0; left--) {
            extensions.add(new Metadata.Extension(in.text(), id(), id()));
        }
        return extensions;
    }

    private Metadata.RuntimeApi api() throws MalformedDataException {
        String name = in.text();
        var methods = new ArrayList<Metadata.Method>();
        for (int left = in.count(4); left > 0; left--) {
            methods.add(new Metadata.Method(in.text(), inputs(), id(), docs()));
            deprecation();
        }
        var docs = docs();
        if (version == 16) {
            in.compact(0xFFFF_FFFFL); // version of the API
        }
        deprecation();
        return new Metadata.RuntimeApi(name, methods, docs);
    }

    private List<Metadata.Input> inputs() throws MalformedDataException {
        var inputs = new ArrayList<Metadata.Input>();
        for (int left = in.count(2); left > 0; left--) {
            inputs.add(new Metadata.Input(in.text(), id()));
        }
        return inputs;
    }

    /** Whether an item is deprecated, and what it says about that: read over. */
    private void deprecation() throws MalformedDataException {
        if (version == 16 && tag("a deprecation", 3) == 2) {
            in.text();
            if (in.option()) {
                in.text();
            }
        }
    }

    private List<String> docs() throws MalformedDataException {
        return TypeReader.texts(in);
    }

    private int id() throws MalformedDataException {
        long id = in.compact(0xFFFF_FFFFL);
        if (id >= types.types().size()) {
            throw in.malformed(
                    "type " + id + " does not exist: there are " + types.types().size());
        }
        return (int) id;
    }

    private int tag(String what, int tags) throws MalformedDataException {
        int tag = in.u8();
        if (tag >= tags) {
            throw in.malformed("expected a tag of " + what + " below " + tags + ", found " + tag);
        }
        return tag;
    }
}
