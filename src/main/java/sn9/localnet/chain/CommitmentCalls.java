package sn9.localnet.chain;

import java.io.IOException;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import sn9.chain.scale.Value;

/** Calls of the pallet Commitments (spec/chain.md 7). */
final class CommitmentCalls {
    /** What any commitment costs of the space of an epoch, in bytes. */
    private static final long MIN_SPACE = 100;

    private static final int MAX_FIELDS = 3;

    /** Bytes of a hash; each takes as many whatever it is of. */
    private static final long HASH_BYTES = 32;

    private CommitmentCalls() {}

    /** {@code set_commitment}: the hotkey must hold a slot and have space left in this epoch. */
    static void set(Execution x, byte[] hotkey, Value arguments) throws SQLException, IOException, DispatchException {
        Value netuid = arguments.field("netuid");
        if (netuid.natural() != x.netuid() || new Subnet(x).uid(hotkey).isEmpty()) {
            throw error("AccountNotAllowedCommit");
        }
        Value info = arguments.field("info");
        List<Value> fields = info.field("fields").items();
        if (fields.size() > MAX_FIELDS) {
            throw error("TooManyFieldsInCommitmentInfo");
        }
        long bytes = 0;
        for (Value field : fields) {
            bytes += bytes(field.choice());
        }
        takeSpace(x, hotkey, Math.max(MIN_SPACE, bytes));
        Value who = Value.of(hotkey);
        Value block = Value.of(x.block());
        x.put(
                "Commitments.CommitmentOf",
                Value.struct("deposit", Value.of(0), "block", block, "info", info),
                netuid,
                who);
        x.put("Commitments.LastCommitment", block, netuid, who);
        x.emit("Commitments", "Commitment", netuid, who);
    }

    /** Counts a commitment's bytes against what an epoch allows. */
    private static void takeSpace(Execution x, byte[] hotkey, long bytes)
            throws SQLException, IOException, DispatchException {
        Value netuid = Value.of(x.netuid());
        long epoch = EpochClock.index(x, x.block());
        Optional<Value> before = x.find("Commitments.UsedSpaceOf", netuid, Value.of(hotkey));
        boolean same = before.isPresent() && before.get().field("last_epoch").natural() == epoch;
        long used = (same ? before.get().field("used_space").natural() : 0) + bytes;
        if (used > x.number("Commitments.MaxSpace")) {
            throw error("SpaceLimitExceeded");
        }
        Value usage = Value.struct("last_epoch", Value.of(epoch), "used_space", Value.of(used));
        x.put("Commitments.UsedSpaceOf", usage, netuid, Value.of(hotkey));
    }

    private static long bytes(Value.Choice data) throws IOException {
        return switch (data.name()) {
            case "None", "ResetBondsFlag" -> 0;
            case "TimelockEncrypted" -> data.field("encrypted").bytes().length;
            case "BlakeTwo256", "Sha256", "Keccak256", "ShaThree256" -> HASH_BYTES;
            default -> data.at(0).bytes().length; // Raw0 to Raw128, BigRaw
        };
    }

    private static DispatchException error(String name) {
        return DispatchException.of("Commitments", name);
    }
}
