package sn9.localnet.chain;

import java.io.IOException;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import sn9.chain.scale.Value;

/** Calls of the pallet AdminUtils, for root: each sets one setting of the subnet. */
final class AdminCalls {
    /**
     * What a call sets.
     *
     * @param item in SubtensorModule
     * @param event that it leaves
     */
    private record Setting(String item, String event) {}

    private static final Map<String, Setting> SETTINGS = Map.ofEntries(
            Map.entry("sudo_set_serving_rate_limit", new Setting("ServingRateLimit", "ServingRateLimitSet")),
            Map.entry("sudo_set_weights_version_key", new Setting("WeightsVersionKey", "WeightsVersionKeySet")),
            Map.entry("sudo_set_weights_set_rate_limit", new Setting("WeightsSetRateLimit", "WeightsSetRateLimitSet")),
            Map.entry("sudo_set_immunity_period", new Setting("ImmunityPeriod", "ImmunityPeriodSet")),
            Map.entry("sudo_set_min_allowed_weights", new Setting("MinAllowedWeights", "MinAllowedWeightSet")),
            Map.entry("sudo_set_max_allowed_uids", new Setting("MaxAllowedUids", "MaxAllowedUidsSet")),
            Map.entry("sudo_set_activity_cutoff", new Setting("ActivityCutoff", "ActivityCutoffSet")),
            Map.entry(
                    "sudo_set_network_registration_allowed",
                    new Setting("NetworkRegistrationAllowed", "RegistrationAllowed")),
            Map.entry("sudo_set_min_burn", new Setting("MinBurn", "MinBurnSet")),
            Map.entry("sudo_set_max_burn", new Setting("MaxBurn", "MaxBurnSet")),
            Map.entry(
                    "sudo_set_max_allowed_validators", new Setting("MaxAllowedValidators", "MaxAllowedValidatorsSet")),
            Map.entry("sudo_set_tempo", new Setting("Tempo", "TempoSet")),
            Map.entry("sudo_set_stake_threshold", new Setting("StakeThreshold", "StakeThresholdSet")),
            Map.entry(
                    "sudo_set_commit_reveal_weights_enabled",
                    new Setting("CommitRevealWeightsEnabled", "CommitRevealEnabled")),
            Map.entry(
                    "sudo_set_commit_reveal_weights_interval",
                    new Setting("RevealPeriodEpochs", "CommitRevealPeriodsSet")));

    private AdminCalls() {}

    static void set(Execution x, String call, Value arguments) throws SQLException, IOException, DispatchException {
        Setting setting = SETTINGS.get(call);
        List<Value> values = arguments.items();
        Value value = values.getLast();
        if (value instanceof Value.Int number && number.value().bitLength() >= Long.SIZE - 1) {
            throw DispatchException.of("AdminUtils", "ValueNotInBounds");
        }
        if (values.size() == 1) { // a setting of all subnets
            x.put("SubtensorModule." + setting.item, value);
            x.emit("SubtensorModule", setting.event, value);
            return;
        }
        Value netuid = values.getFirst();
        if (netuid.natural() != x.netuid()) {
            throw DispatchException.of("AdminUtils", "SubnetDoesNotExist");
        }
        check(x, call, value);
        x.put("SubtensorModule." + setting.item, value, netuid);
        x.emit("SubtensorModule", setting.event, netuid, value);
    }

    private static void check(Execution x, String call, Value value)
            throws SQLException, IOException, DispatchException {
        if (call.equals("sudo_set_max_allowed_uids") && value.natural() < new Subnet(x).size()) {
            throw DispatchException.of("AdminUtils", "MaxAllowedUIdsLessThanCurrentUIds");
        }
        if (call.equals("sudo_set_tempo") && value.natural() == 0) {
            throw DispatchException.of("AdminUtils", "ValueNotInBounds");
        }
        if (call.equals("sudo_set_commit_reveal_weights_interval") && value.natural() == 0) {
            throw SubnetCalls.error("RevealPeriodTooSmall");
        }
    }
}
