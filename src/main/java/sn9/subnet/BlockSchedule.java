package sn9.subnet;

import java.util.ArrayList;
import java.util.List;

/**
 * A number that changes at given blocks: the last step whose start is at or before a block applies to it.
 *
 * @param steps in ascending order of start; the first starts at block 0
 */
public record BlockSchedule(List<Step> steps) {
    /**
     * A value and the block it starts to apply at.
     *
     * @param startBlock first block
     * @param value the number from there on
     */
    public record Step(long startBlock, long value) {}

    /** Checks the order of the steps. */
    public BlockSchedule {
        steps = List.copyOf(steps);
        if (steps.isEmpty() || steps.getFirst().startBlock() != 0) {
            throw new IllegalArgumentException("a schedule must start at block 0, found " + steps);
        }
        for (int i = 1; i < steps.size(); i++) {
            if (steps.get(i).startBlock() <= steps.get(i - 1).startBlock()) {
                throw new IllegalArgumentException("start blocks must ascend, found " + steps);
            }
        }
    }

    /** The same value at every block. */
    public static BlockSchedule always(long value) {
        return new BlockSchedule(List.of(new Step(0, value)));
    }

    /** This schedule up to a block, another value from it on. */
    public BlockSchedule from(long startBlock, long value) {
        List<Step> longer = new ArrayList<>(steps);
        longer.add(new Step(startBlock, value));
        return new BlockSchedule(longer);
    }

    /** The value that applies at a block; blocks below 0 count as 0. */
    public long at(long block) {
        long value = steps.getFirst().value();
        for (Step step : steps) {
            if (step.startBlock() <= block) {
                value = step.value();
            }
        }
        return value;
    }
}
