package sn9.chain;

import java.util.OptionalLong;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.chain.scale.Value;

/**
 * When the chain takes the next commitment of a hotkey. Two rules are known (spec/chain.md 7): a budget of bytes per epoch,
 * and, in runtimes of 2024, so many blocks between two commitments. Which one holds is what the runtime stores.
 */
final class CommitLimits {
    /** Least bytes that a commitment counts for (opentensor/subtensor:pallets/commitments/src/lib.rs). */
    private static final int LEAST_BYTES = 100;

    private CommitLimits() {}

    /** Blocks until a commitment of so many bytes can be included, 0 when the next block may. */
    static long blocksToWait(ChainView view, int netuid, byte[] hotkey, int bytes)
            throws RemoteCallException, InterruptedException {
        return Math.max(byInterval(view, netuid, hotkey), byBudget(view, netuid, hotkey, bytes));
    }

    /** Blocks until the budget is renewed. */
    static long blocksToRenewal(ChainView view, int netuid) throws RemoteCallException, InterruptedException {
        return epoch(view, netuid).blocksToNext(view.number() + 1);
    }

    private static long byInterval(ChainView view, int netuid, byte[] hotkey)
            throws RemoteCallException, InterruptedException {
        if (!view.has("Commitments", "RateLimit")) {
            return 0;
        }
        var last = CommitmentStore.committed(view, netuid, hotkey);
        return last.isEmpty()
                ? 0
                : Math.max(0, last.get().block() + view.number("Commitments", "RateLimit") - (view.number() + 1));
    }

    private static long byBudget(ChainView view, int netuid, byte[] hotkey, int bytes)
            throws RemoteCallException, InterruptedException {
        if (!view.has("Commitments", "UsedSpaceOf")) {
            return 0;
        }
        var epoch = epoch(view, netuid);
        long used = used(view, netuid, hotkey, epoch).orElse(0);
        boolean fits = used + Math.max(LEAST_BYTES, bytes) <= view.number("Commitments", "MaxSpace");
        return fits ? 0 : epoch.blocksToNext(view.number() + 1);
    }

    /** Bytes used in the epoch of the next block. */
    private static OptionalLong used(ChainView view, int netuid, byte[] hotkey, Epoch epoch)
            throws RemoteCallException, InterruptedException {
        var usage = view.storage("Commitments", "UsedSpaceOf", Value.of(netuid), Value.of(hotkey));
        try {
            return usage.isPresent() && usage.get().field("last_epoch").natural() == epoch.of(view.number() + 1)
                    ? OptionalLong.of(usage.get().field("used_space").natural())
                    : OptionalLong.empty();
        } catch (MalformedDataException e) {
            throw view.misunderstood("Commitments.UsedSpaceOf", e);
        }
    }

    private static Epoch epoch(ChainView view, int netuid) throws RemoteCallException, InterruptedException {
        return new Epoch(netuid, view.number("SubtensorModule", "Tempo", Value.of(netuid)));
    }
}
