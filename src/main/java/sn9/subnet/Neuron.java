package sn9.subnet;

/**
 * One row of a subnet's metagraph.
 *
 * @param uid slot on the subnet
 * @param hotkey SS58 address of the key that holds the slot
 * @param coldkey SS58 address of its owner
 * @param stake the hotkey's alpha on this subnet, in units of 10^9 rao; TAO that is staked on the root is not counted
 * @param incentive share of the miners' emission, 0 to 1
 * @param validatorPermit whether its weights count
 * @param lastUpdate block of its last weights, 0 when never
 */
public record Neuron(
        int uid,
        String hotkey,
        String coldkey,
        double stake,
        double incentive,
        boolean validatorPermit,
        long lastUpdate) {}
