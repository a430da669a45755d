package sn9.dashboard;

import java.util.List;
import java.util.Optional;

/**
 * What a chain holds at a block.
 *
 * @param netuid the subnet
 * @param block the block of the look
 * @param neurons who is registered, in order of uid
 * @param weights what validators have set, in order of validator and uid
 */
public record ChainView(int netuid, long block, List<Neuron> neurons, List<Weight> weights) {
    /**
     * A slot.
     *
     * @param uid its number
     * @param hotkey who holds it
     * @param stake in TAO
     * @param incentive share of the miners' emission after the latest epoch, 0 to 1
     */
    public record Neuron(int uid, String hotkey, double stake, double incentive) {}

    /**
     * A weight on chain.
     *
     * @param validatorUid who set it
     * @param uid for whom
     * @param value u16
     * @param block the block that holds it
     */
    public record Weight(int validatorUid, int uid, int value, long block) {}

    /** The slot of a hotkey, if it is registered. */
    public Optional<Neuron> find(String hotkey) {
        return neurons.stream().filter(n -> n.hotkey().equals(hotkey)).findFirst();
    }

    /** The slot of a uid, if it is taken. */
    public Optional<Neuron> find(int uid) {
        return neurons.stream().filter(n -> n.uid() == uid).findFirst();
    }

    /** The largest weight that a validator has set for a uid, 0 for none. */
    public int weight(int uid) {
        return weights.stream()
                .filter(w -> w.uid() == uid)
                .mapToInt(Weight::value)
                .max()
                .orElse(0);
    }
}
