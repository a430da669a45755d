package sn9.localnet.chain;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import sn9.MalformedDataException;
import sn9.chain.scale.TypeDefinition;
import sn9.chain.scale.Value;

/** What runtime APIs tell of the subnet and its slots, field by field as the runtime's types name them. */
final class SubnetInfo {
    private static final String NAME = "localnet";

    private static final byte[] NOBODY = new byte[32];

    /** Fields that are settings, by their item in SubtensorModule. */
    private static final Map<String, String> SETTINGS = Map.ofEntries(
            Map.entry("tempo", "Tempo"),
            Map.entry("last_step", "LastMechansimStepBlock"),
            Map.entry("blocks_since_last_step", "BlocksSinceLastStep"),
            Map.entry("network_registered_at", "NetworkRegisteredAt"),
            Map.entry("owner_hotkey", "SubnetOwnerHotkey"),
            Map.entry("owner_coldkey", "SubnetOwner"),
            Map.entry("rho", "Rho"),
            Map.entry("kappa", "Kappa"),
            Map.entry("min_allowed_weights", "MinAllowedWeights"),
            Map.entry("max_weights_limit", "MaxWeightsLimit"),
            Map.entry("weights_version", "WeightsVersionKey"),
            Map.entry("weights_rate_limit", "WeightsSetRateLimit"),
            Map.entry("activity_cutoff", "ActivityCutoff"),
            Map.entry("max_validators", "MaxAllowedValidators"),
            Map.entry("num_uids", "SubnetworkN"),
            Map.entry("max_uids", "MaxAllowedUids"),
            Map.entry("burn", "Burn"),
            Map.entry("difficulty", "Difficulty"),
            Map.entry("registration_allowed", "NetworkRegistrationAllowed"),
            Map.entry("pow_registration_allowed", "NetworkPowRegistrationAllowed"),
            Map.entry("immunity_period", "ImmunityPeriod"),
            Map.entry("min_difficulty", "MinDifficulty"),
            Map.entry("max_difficulty", "MaxDifficulty"),
            Map.entry("min_burn", "MinBurn"),
            Map.entry("max_burn", "MaxBurn"),
            Map.entry("adjustment_alpha", "AdjustmentAlpha"),
            Map.entry("adjustment_interval", "AdjustmentInterval"),
            Map.entry("target_regs_per_interval", "TargetRegistrationsPerInterval"),
            Map.entry("max_regs_per_block", "MaxRegistrationsPerBlock"),
            Map.entry("serving_rate_limit", "ServingRateLimit"),
            Map.entry("commit_reveal_weights_enabled", "CommitRevealWeightsEnabled"),
            Map.entry("commit_reveal_period", "RevealPeriodEpochs"),
            Map.entry("liquid_alpha_enabled", "LiquidAlphaOn"),
            Map.entry("bonds_moving_avg", "BondsMovingAverage"));

    /** Fields with a number for every slot, by their item. */
    private static final Map<String, String> NUMBERS = Map.of(
            "pruning_score", "PruningScores",
            "last_update", "LastUpdate",
            "emission", "Emission",
            "dividends", "Dividends",
            "incentives", "Incentive",
            "consensus", "Consensus",
            "trust", "Trust",
            "rank", "Rank");

    /** Fields of a market that this chain does not have. */
    private static final Set<String> ZEROS = Set.of(
            "subnet_emission",
            "alpha_in",
            "alpha_out",
            "tao_in",
            "alpha_out_emission",
            "alpha_in_emission",
            "tao_in_emission",
            "pending_alpha_emission",
            "pending_root_emission",
            "subnet_volume");

    private final StateView state;
    private final Subnet subnet;
    private final List<byte[]> hotkeys = new ArrayList<>();
    private final Map<String, List<BigInteger>> numbers = new HashMap<>();
    private final Map<String, List<Boolean>> flags = new HashMap<>();

    SubnetInfo(StateView state) throws SQLException, IOException {
        this.state = state;
        this.subnet = new Subnet(state);
        for (int uid = 0; uid < subnet.size(); uid++) {
            hotkeys.add(subnet.hotkey(uid).orElse(NOBODY));
        }
    }

    /** A struct of the runtime's with all its fields. */
    Value struct(int type) throws SQLException, IOException {
        Map<String, Value> fields = new LinkedHashMap<>();
        for (String name : names(type)) {
            fields.put(name, field(name));
        }
        return new Value.Struct(fields);
    }

    /** The selective metagraph: each field an option, present when its place was asked for; the netuid is bare. */
    Value selection(int type, List<Value> places) throws SQLException, IOException {
        Map<String, Value> fields = new LinkedHashMap<>();
        for (String name : names(type)) {
            boolean asked = places.contains(Value.of(fields.size()));
            if (fields.isEmpty()) {
                fields.put(name, asked ? field(name) : Value.of(0));
            } else {
                fields.put(name, asked ? Value.some(field(name)) : Value.none());
            }
        }
        return new Value.Struct(fields);
    }

    /** What is told of one slot; {@code lite} leaves weights and bonds out. */
    Value neuron(int uid, boolean lite) throws SQLException, IOException {
        byte[] hotkey = hotkeys.get(uid);
        byte[] coldkey = subnet.coldkey(hotkey);
        Map<String, Value> fields = new LinkedHashMap<>();
        fields.put("hotkey", Value.of(hotkey));
        fields.put("coldkey", Value.of(coldkey));
        fields.put("uid", Value.of(uid));
        fields.put("netuid", subnet.netuid());
        fields.put("active", Value.of(flagsOf("Active").get(uid)));
        fields.put("axon_info", axon(hotkey));
        fields.put("prometheus_info", absent("block", "version", "ip", "port", "ip_type"));
        fields.put("stake", Value.items(Value.items(Value.of(coldkey), Value.of(subnet.stake(hotkey)))));
        for (String name : List.of("rank", "emission", "incentive", "consensus", "trust", "validator_trust")) {
            fields.put(name, number(name, uid));
        }
        fields.put("dividends", number("dividends", uid));
        fields.put("last_update", number("last_update", uid));
        fields.put("validator_permit", Value.of(flagsOf("ValidatorPermit").get(uid)));
        if (!lite) {
            fields.put("weights", state.get("SubtensorModule.Weights", subnet.netuid(), Value.of(uid)));
            fields.put("bonds", state.get("SubtensorModule.Bonds", subnet.netuid(), Value.of(uid)));
        }
        fields.put("pruning_score", number("pruning_score", uid));
        return new Value.Struct(fields);
    }

    /** What is told of every slot. */
    Value neurons(boolean lite) throws SQLException, IOException {
        List<Value> neurons = new ArrayList<>();
        for (int uid = 0; uid < hotkeys.size(); uid++) {
            neurons.add(neuron(uid, lite));
        }
        return new Value.Items(neurons);
    }

    int size() {
        return hotkeys.size();
    }

    private List<String> names(int type) {
        var composite =
                (TypeDefinition.Composite) state.runtime.metadata().types().definition(type);
        return composite.fields().stream().map(f -> f.name().orElseThrow()).toList();
    }

    private Value number(String name, int uid) throws SQLException, IOException {
        String item =
                switch (name) {
                    case "incentive" -> "Incentive";
                    case "validator_trust" -> "ValidatorTrust";
                    default -> NUMBERS.get(name);
                };
        return Value.of(numbersOf(item).get(uid));
    }

    /** Read once: there is one list for all slots. */
    private List<BigInteger> numbersOf(String item) throws SQLException, IOException {
        if (!numbers.containsKey(item)) {
            numbers.put(item, subnet.numbers(item));
        }
        return numbers.get(item);
    }

    private List<Boolean> flagsOf(String item) throws SQLException, IOException {
        if (!flags.containsKey(item)) {
            flags.put(item, subnet.flags(item));
        }
        return flags.get(item);
    }

    private Value field(String name) throws SQLException, IOException {
        if (SETTINGS.containsKey(name)) {
            return state.get("SubtensorModule." + SETTINGS.get(name), subnet.netuid());
        }
        if (NUMBERS.containsKey(name)) {
            return new Value.Items(
                    subnet.numbers(NUMBERS.get(name)).stream().map(Value::of).toList());
        }
        if (ZEROS.contains(name)) {
            return Value.of(0);
        }
        return switch (name) {
            case "netuid" -> subnet.netuid();
            case "block" -> Value.of(state.block());
            case "name" -> characters(NAME.getBytes(StandardCharsets.UTF_8));
            case "symbol" ->
                characters(state.get("SubtensorModule.TokenSymbol", subnet.netuid())
                        .bytes());
            case "identity" -> Value.none();
            case "moving_price" -> Value.struct("bits", Value.of(0));
            case "alpha_low" ->
                state.get("SubtensorModule.AlphaValues", subnet.netuid()).at(0);
            case "alpha_high" ->
                state.get("SubtensorModule.AlphaValues", subnet.netuid()).at(1);
            case "active" -> flags("Active");
            case "validator_permit" -> flags("ValidatorPermit");
            case "tao_stake" -> new Value.Items(Collections.nCopies(hotkeys.size(), Value.of(0)));
            case "identities" -> new Value.Items(Collections.nCopies(hotkeys.size(), Value.none()));
            case "validators" -> validators();
            case "commitments" -> commitments();
            default -> ofEachSlot(name);
        };
    }

    private Value ofEachSlot(String name) throws SQLException, IOException {
        List<Value> values = new ArrayList<>();
        for (int uid = 0; uid < hotkeys.size(); uid++) {
            byte[] hotkey = hotkeys.get(uid);
            values.add(
                    switch (name) {
                        case "hotkeys" -> Value.of(hotkey);
                        case "coldkeys" -> Value.of(subnet.coldkey(hotkey));
                        case "axons" -> axon(hotkey);
                        case "alpha_stake", "total_stake" -> Value.of(subnet.stake(hotkey));
                        case "block_at_registration" ->
                            state.get("SubtensorModule.BlockAtRegistration", subnet.netuid(), Value.of(uid));
                        case "tao_dividends_per_hotkey", "alpha_dividends_per_hotkey" ->
                            Value.items(Value.of(hotkey), Value.of(0));
                        default -> throw new MalformedDataException("runtime.txt", -1, "unknown field " + name);
                    });
        }
        return new Value.Items(values);
    }

    private Value axon(byte[] hotkey) throws SQLException, IOException {
        Optional<Value> axon = state.find("SubtensorModule.Axons", subnet.netuid(), Value.of(hotkey));
        return axon.orElseGet(
                () -> absent("block", "version", "ip", "port", "ip_type", "protocol", "placeholder1", "placeholder2"));
    }

    private Value flags(String item) throws SQLException, IOException {
        return new Value.Items(subnet.flags(item).stream().map(Value::of).toList());
    }

    private Value validators() throws SQLException, IOException {
        List<Boolean> permits = subnet.flags("ValidatorPermit");
        List<Value> uids = new ArrayList<>();
        for (int uid = 0; uid < hotkeys.size(); uid++) {
            if (permits.get(uid)) {
                uids.add(Value.of(uid));
            }
        }
        return new Value.Items(uids);
    }

    private Value commitments() throws SQLException, IOException {
        List<Value> commitments = new ArrayList<>();
        for (byte[] hotkey : hotkeys) {
            var commitment = EmbeddedChain.commitment(state, hotkey);
            if (commitment.isPresent()) {
                byte[] text = commitment.get().text().getBytes(StandardCharsets.UTF_8);
                commitments.add(Value.items(Value.of(hotkey), characters(text)));
            }
        }
        return new Value.Items(commitments);
    }

    /** A struct of zeros. */
    private static Value absent(String... names) {
        Map<String, Value> fields = new LinkedHashMap<>();
        for (String name : names) {
            fields.put(name, Value.of(BigInteger.ZERO));
        }
        return new Value.Struct(fields);
    }

    /** Bytes as the list of compact numbers that the runtime makes of them. */
    private static Value characters(byte[] bytes) {
        List<Value> characters = new ArrayList<>();
        for (byte b : bytes) {
            characters.add(Value.of(b & 0xFF));
        }
        return new Value.Items(characters);
    }
}
