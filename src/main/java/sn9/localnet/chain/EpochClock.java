package sn9.localnet.chain;

import java.io.IOException;
import java.sql.SQLException;
import sn9.chain.scale.Value;

/**
 * The numbers that the genuine runtime gives to stretches of a tempo's length
 * (opentensor/subtensor:pallets/subtensor/src/subnets/weights.rs, get_epoch_index). Space for commitments and the reveal of
 * weights are counted in them.
 */
final class EpochClock {
    private EpochClock() {}

    /** The number of the stretch that a block is in. */
    static long index(StateView state, long block) throws SQLException, IOException {
        return (block + state.netuid() + 1) / length(state);
    }

    /** The first block of a stretch. */
    static long firstBlock(StateView state, long index) throws SQLException, IOException {
        return Math.max(0, index * length(state) - state.netuid() - 1);
    }

    private static long length(StateView state) throws SQLException, IOException {
        return state.number("SubtensorModule.Tempo", Value.of(state.netuid())) + 1;
    }
}
