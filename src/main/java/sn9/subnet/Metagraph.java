package sn9.subnet;

import java.util.List;
import java.util.Optional;

/**
 * Who is registered on a subnet at a block.
 *
 * @param netuid the subnet
 * @param block the block this was read at
 * @param neurons rows in order of uid
 */
public record Metagraph(int netuid, long block, List<Neuron> neurons) {
    /** The row of a hotkey, if it is registered. */
    public Optional<Neuron> find(String hotkey) {
        return neurons.stream().filter(n -> n.hotkey().equals(hotkey)).findFirst();
    }

    /** The row of a uid, if it is taken. */
    public Optional<Neuron> find(int uid) {
        return neurons.stream().filter(n -> n.uid() == uid).findFirst();
    }
}
