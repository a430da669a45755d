package sn9.localnet.chain;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import sn9.MalformedDataException;
import sn9.chain.scale.Metadata;
import sn9.chain.scale.StorageHasher;
import sn9.chain.scale.StorageItem;
import sn9.chain.scale.TypeDefinition;
import sn9.chain.scale.Value;

/** The one runtime of the embedded chain: its declarations, made ready for use. Never changes; any thread may use it. */
public final class Runtime {
    private static final Runtime EMBEDDED = new Runtime(RuntimeText.embedded());

    private final Declarations declarations;
    private final Metadata metadata;
    private final Map<String, StorageItem> items = new HashMap<>();
    private final Map<Integer, byte[]> blobs;

    private Runtime(Declarations declarations) {
        this.declarations = declarations;
        this.metadata = RuntimeMetadata.of(declarations);
        for (var pallet : metadata.pallets()) {
            pallet.storage().ifPresent(storage -> {
                for (var entry : storage.entries()) {
                    items.put(pallet.name() + "." + entry.name(), item(pallet.name(), entry.name()));
                }
            });
        }
        this.blobs = Map.of(14, MetadataWriter.write(metadata, 14), 15, MetadataWriter.write(metadata, 15));
    }

    private StorageItem item(String pallet, String name) {
        try {
            return StorageItem.of(metadata, pallet, name);
        } catch (MalformedDataException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The runtime that this program carries. */
    public static Runtime embedded() {
        return EMBEDDED;
    }

    Metadata metadata() {
        return metadata;
    }

    /** The metadata as clients get it, of version 14 or 15. */
    public Optional<byte[]> blob(int version) {
        return Optional.ofNullable(blobs.get(version));
    }

    /** Name of the runtime, as the genuine one has it. */
    public String specName() {
        return declarations.specName();
    }

    /** Version of the genuine runtime whose layouts these are. */
    public long specVersion() {
        return declarations.specVersion();
    }

    /** Version of the layout of extrinsics. */
    public long transactionVersion() {
        return declarations.transactionVersion();
    }

    /** Runtime APIs by the eight bytes that stand for them: BLAKE2b-64 of the name. */
    public List<Map.Entry<byte[], Integer>> apis() {
        List<Map.Entry<byte[], Integer>> apis = new ArrayList<>();
        for (var api : declarations.apis()) {
            byte[] id = StorageHasher.blake2b(api.name().getBytes(StandardCharsets.UTF_8), 8);
            apis.add(Map.entry(id, api.version()));
        }
        return apis;
    }

    /**
     * A storage item.
     *
     * @param name {@code Pallet.Item}
     * @throws IllegalArgumentException when the runtime has none of that name
     */
    public StorageItem item(String name) {
        StorageItem item = items.get(name);
        if (item == null) {
            throw new IllegalArgumentException("the runtime has no storage item " + name);
        }
        return item;
    }

    /** The call that the bytes are: {@code Choice(pallet, Choice(call, fields))}. */
    Value call(byte[] bytes) throws MalformedDataException {
        return metadata.types().read(metadata.extrinsic().call().orElseThrow(), "the call", bytes);
    }

    /** The event of the extrinsic that sets the time, which every block but the genesis begins with. */
    byte[] timestampEvent() {
        return eventRecord(
                0, "System", "ExtrinsicSuccess", dispatchInfo(new CallInfo("Mandatory", 268_717_000, 1_493, true)));
    }

    /** What events tell of a call beside its result. */
    Value dispatchInfo(CallInfo info) {
        return Value.struct(
                "weight",
                Value.struct("ref_time", Value.of(info.refTime()), "proof_size", Value.of(info.proofSize())),
                "class",
                Value.choice(info.dispatchClass()),
                "pays_fee",
                Value.choice(info.paysFee() ? "Yes" : "No"));
    }

    /** The bytes of a call. */
    byte[] callBytes(Value call) {
        return metadata.types().bytes(metadata.extrinsic().call().orElseThrow(), call);
    }

    /** The bytes of an event with its phase: the place of an extrinsic, or -1 for those of the block itself. */
    byte[] eventRecord(int extrinsic, String pallet, String event, Value... fields) {
        Value phase =
                extrinsic < 0 ? Value.choice("Initialization") : Value.choice("ApplyExtrinsic", Value.of(extrinsic));
        Value record = Value.struct(
                "phase",
                phase,
                "event",
                Value.choice(pallet, Value.choice(event, fields)),
                "topics",
                new Value.Items(List.of()));
        var events = (TypeDefinition.Sequence)
                metadata.types().definition(item("System.Events").entry().value());
        return metadata.types().bytes(events.type(), record);
    }

    /**
     * A pallet's error as dispatches report it.
     *
     * @throws IllegalArgumentException when the pallet has none of that name
     */
    Value moduleError(String pallet, String error) {
        var found = metadata.pallet(pallet)
                .orElseThrow(() -> new IllegalArgumentException("the runtime has no pallet " + pallet));
        var errors = (TypeDefinition.Variants)
                metadata.types().definition(found.errors().orElseThrow());
        int index = errors.find(error)
                .orElseThrow(() -> new IllegalArgumentException(pallet + " has no error " + error))
                .index();
        Value code = Value.of(new byte[] {(byte) index, 0, 0, 0});
        return Value.choice("Module", Value.struct("index", Value.of(found.index()), "error", code));
    }
}
