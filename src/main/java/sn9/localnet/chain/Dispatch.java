package sn9.localnet.chain;

import java.io.IOException;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import sn9.chain.scale.Value;

/** Runs calls: from the name in the metadata to what it does. */
final class Dispatch {
    private Dispatch() {}

    /** The name of a call, {@code Pallet.call}. */
    static String name(Value call) throws IOException {
        return call.choice().name() + "." + call.choice().at(0).choice().name();
    }

    /**
     * Runs a call.
     *
     * @param sender who signed it; none for root, who may do what is root's alone
     * @throws DispatchException when the runtime refuses; what was written before stays, unless the caller undoes it
     */
    static void run(Execution x, Optional<byte[]> sender, Value call)
            throws SQLException, IOException, DispatchException {
        String name = name(call);
        Value.Choice inner = call.choice().at(0).choice();
        Value arguments = inner.fields();
        switch (name) {
            case "System.remark" -> signer(sender);
            case "System.remark_with_event" -> BalanceCalls.remark(x, signer(sender), arguments);
            case "System.set_storage", "System.kill_storage" -> {
                root(sender);
                BalanceCalls.storage(x, inner.name(), arguments);
            }
            case "Balances.transfer_keep_alive" -> BalanceCalls.transfer(x, signer(sender), arguments, true);
            case "Balances.transfer_allow_death" -> BalanceCalls.transfer(x, signer(sender), arguments, false);
            case "Balances.force_set_balance" -> {
                root(sender);
                BalanceCalls.setBalance(x, arguments);
            }
            case "SubtensorModule.set_weights" -> WeightCalls.set(x, signer(sender), arguments);
            case "SubtensorModule.commit_weights" -> WeightCalls.commit(x, signer(sender), arguments);
            case "SubtensorModule.reveal_weights" -> WeightCalls.reveal(x, signer(sender), arguments);
            case "SubtensorModule.burned_register", "SubtensorModule.register" ->
                SubnetCalls.register(x, signer(sender), arguments);
            case "SubtensorModule.add_stake" -> SubnetCalls.addStake(x, signer(sender), arguments);
            case "SubtensorModule.remove_stake" -> SubnetCalls.removeStake(x, signer(sender), arguments);
            case "SubtensorModule.serve_axon" -> SubnetCalls.serveAxon(x, signer(sender), arguments);
            case "Commitments.set_commitment" -> CommitmentCalls.set(x, signer(sender), arguments);
            case "Commitments.set_max_space" -> {
                root(sender);
                x.put("Commitments.MaxSpace", arguments.field("new_limit"));
            }
            case "Utility.batch", "Utility.batch_all", "Utility.force_batch" ->
                batch(x, sender, inner.name(), arguments.field("calls").items());
            case "Sudo.sudo" -> sudo(x, signer(sender), arguments.field("call"));
            default -> {
                if (!name.startsWith("AdminUtils.")) {
                    throw DispatchException.of("System", "CallFiltered");
                }
                root(sender);
                AdminCalls.set(x, inner.name(), arguments);
            }
        }
    }

    /** {@code batch} stops at the first failure and keeps what was done, {@code force_batch} goes on. */
    private static void batch(Execution x, Optional<byte[]> sender, String kind, List<Value> calls)
            throws SQLException, IOException, DispatchException {
        boolean failed = false;
        for (int i = 0; i < calls.size(); i++) {
            Value call = calls.get(i);
            try {
                x.atomically(() -> run(x, sender, call));
            } catch (DispatchException e) {
                if (kind.equals("batch_all")) {
                    throw e;
                }
                if (kind.equals("batch")) {
                    x.emit("Utility", "BatchInterrupted", Value.of(i), e.error());
                    return;
                }
                failed = true;
                x.emit("Utility", "ItemFailed", e.error());
                continue;
            }
            x.emit("Utility", "ItemCompleted");
        }
        x.emit("Utility", failed ? "BatchCompletedWithErrors" : "BatchCompleted");
    }

    /** A failure of the call within is told by an event; the extrinsic itself succeeds. */
    private static void sudo(Execution x, byte[] sender, Value call)
            throws SQLException, IOException, DispatchException {
        Optional<Value> key = x.find("Sudo.Key");
        if (key.isEmpty() || !Arrays.equals(key.get().bytes(), sender)) {
            throw DispatchException.of("Sudo", "RequireSudo");
        }
        Value result = Value.choice("Ok", new Value.Items(List.of()));
        try {
            x.atomically(() -> run(x, Optional.empty(), call));
        } catch (DispatchException e) {
            result = Value.choice("Err", e.error());
        }
        x.emit("Sudo", "Sudid", result);
    }

    private static byte[] signer(Optional<byte[]> sender) throws DispatchException {
        return sender.orElseThrow(() -> DispatchException.shared("BadOrigin"));
    }

    private static void root(Optional<byte[]> sender) throws DispatchException {
        if (sender.isPresent()) {
            throw DispatchException.shared("BadOrigin");
        }
    }
}
