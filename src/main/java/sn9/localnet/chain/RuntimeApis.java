package sn9.localnet.chain;

import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import sn9.chain.scale.Metadata;
import sn9.chain.scale.ScaleReader;
import sn9.chain.scale.ScaleWriter;
import sn9.chain.scale.TypeDefinition;
import sn9.chain.scale.Value;

/** The runtime's APIs, as {@code state_call} reaches them (spec/chain.md 8). */
public final class RuntimeApis {
    private RuntimeApis() {}

    /**
     * Understands a call.
     *
     * @param name {@code Api_method}
     * @param arguments the arguments' encodings, one after the other
     * @return what gives the answer's encoding; empty when the runtime has no such method
     * @throws sn9.MalformedDataException when the arguments are none of the method's
     */
    public static Optional<EmbeddedChain.Look<byte[]>> call(String name, byte[] arguments) throws IOException {
        Metadata metadata = Runtime.embedded().metadata();
        Optional<Metadata.Method> method = metadata.method(name);
        if (method.isEmpty()) {
            return Optional.empty();
        }
        List<Value> values = arguments(metadata, method.get(), arguments);
        if (name.startsWith("TransactionPaymentApi_")) {
            info(values); // the extrinsic can be read
        }
        int output = method.get().output();
        return Optional.of(state -> metadata.types().bytes(output, answer(state, name, values, output)));
    }

    private static List<Value> arguments(Metadata metadata, Metadata.Method method, byte[] bytes) throws IOException {
        var in = new ScaleReader("arguments of " + method.name(), bytes);
        List<Value> arguments = new ArrayList<>();
        for (var input : method.inputs()) {
            arguments.add(metadata.types().read(input.type(), in));
        }
        in.end();
        return arguments;
    }

    private static Value answer(StateView state, String name, List<Value> arguments, int output)
            throws SQLException, IOException {
        Runtime runtime = state.runtime;
        return switch (name) {
            case "Core_version" -> version(runtime);
            case "Metadata_metadata" -> Value.of(runtime.blob(14).orElseThrow());
            case "Metadata_metadata_versions" -> Value.numbers(14, 15);
            case "Metadata_metadata_at_version" ->
                option(runtime.blob((int) arguments.getFirst().natural()).map(Value::of));
            case "AccountNonceApi_account_nonce" ->
                Value.of(Accounts.nonce(state, arguments.getFirst().bytes()));
            case "TransactionPaymentApi_query_info" -> {
                CallInfo info = info(arguments);
                yield Value.struct(
                        "weight",
                        runtime.dispatchInfo(info).field("weight"),
                        "class",
                        Value.choice(info.dispatchClass()),
                        "partial_fee",
                        Value.of(info.fee((int) arguments.get(1).natural())));
            }
            case "TransactionPaymentApi_query_fee_details" -> {
                CallInfo info = info(arguments);
                Value fee = Value.struct(
                        "base_fee",
                        Value.of(0),
                        "len_fee",
                        Value.of(info.paysFee() ? arguments.get(1).natural() : 0),
                        "adjusted_weight_fee",
                        Value.of(info.fee(0)));
                yield Value.struct(
                        "inclusion_fee", info.paysFee() ? Value.some(fee) : Value.none(), "tip", Value.of(0));
            }
            default -> subnet(state, name, arguments, output);
        };
    }

    /** What is asked of a subnet; of one that is not there, nothing is told. */
    private static Value subnet(StateView state, String name, List<Value> arguments, int output)
            throws SQLException, IOException {
        SubnetInfo info = new SubnetInfo(state);
        boolean known = arguments.getFirst().natural() == state.netuid();
        boolean lite = name.endsWith("_lite");
        switch (name) {
            case "NeuronInfoRuntimeApi_get_neurons", "NeuronInfoRuntimeApi_get_neurons_lite" -> {
                return known ? info.neurons(lite) : new Value.Items(List.of());
            }
            case "NeuronInfoRuntimeApi_get_neuron", "NeuronInfoRuntimeApi_get_neuron_lite" -> {
                long uid = arguments.get(1).natural();
                return known && uid < info.size() ? Value.some(info.neuron((int) uid, lite)) : Value.none();
            }
            default -> {
                if (!known) {
                    return Value.none();
                }
                int type = optional(state, output);
                return Value.some(
                        name.equals("SubnetInfoRuntimeApi_get_selective_metagraph")
                                ? info.selection(type, arguments.get(1).items())
                                : info.struct(type));
            }
        }
    }

    /** The type that an option may hold. */
    private static int optional(StateView state, int option) {
        var variants =
                (TypeDefinition.Variants) state.runtime.metadata().types().definition(option);
        return variants.find("Some").orElseThrow().fields().getFirst().type();
    }

    private static Value version(Runtime runtime) {
        List<Value> apis = new ArrayList<>();
        runtime.apis().forEach(api -> apis.add(Value.items(Value.of(api.getKey()), Value.of(api.getValue()))));
        return Value.struct(
                "spec_name", Value.of(runtime.specName()),
                "impl_name", Value.of(runtime.specName()),
                "authoring_version", Value.of(1),
                "spec_version", Value.of(runtime.specVersion()),
                "impl_version", Value.of(1),
                "apis", new Value.Items(apis),
                "transaction_version", Value.of(runtime.transactionVersion()),
                "system_version", Value.of(1));
    }

    /** The argument is the extrinsic without its length, which {@link SignedExtrinsic} wants before it. */
    private static CallInfo info(List<Value> arguments) throws IOException {
        byte[] whole = new ScaleWriter().byteList(arguments.getFirst().bytes()).toBytes();
        return CallInfo.of(Dispatch.name(SignedExtrinsic.read(whole).call()));
    }

    private static Value option(Optional<Value> value) {
        return value.map(Value::some).orElseGet(Value::none);
    }
}
