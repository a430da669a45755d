package sn9.miner;

import java.util.LinkedHashMap;
import java.util.Map;
import sn9.MalformedDataException;

/**
 * How far a run has come: enough, with the trainer's own checkpoint, to go on with the very same losses. The settings that decide which tokens come next are part of it.
 *
 * @param seed decides which pages each epoch draws
 * @param B sequences of a micro-batch
 * @param T tokens of a sequence
 * @param pagesPerEpoch pages drawn for an epoch
 * @param corpus {@link sn9.data.PageSource#describe} of the text
 * @param epoch the epoch under way, from 0
 * @param batch micro-batches of that epoch that the trainer has seen
 * @param lossSum sum of those micro-batches' losses
 * @param bestLoss lowest held-out loss so far, infinite when none was measured
 * @param bestStep the step of {@code bestLoss}; 0 is the starting model
 */
public record Position(
        long seed,
        int B,
        int T,
        int pagesPerEpoch,
        String corpus,
        long epoch,
        int batch,
        double lossSum,
        double bestLoss,
        long bestStep) {
    /** The start of a run. */
    public static Position start(MinerConfig config, String corpus) {
        return new Position(
                config.seed(),
                config.B(),
                config.T(),
                config.pagesPerEpoch(),
                corpus,
                0,
                0,
                0,
                Double.POSITIVE_INFINITY,
                0);
    }

    /** After one more micro-batch of the epoch. */
    Position afterBatch(double loss) {
        return new Position(seed, B, T, pagesPerEpoch, corpus, epoch, batch + 1, lossSum + loss, bestLoss, bestStep);
    }

    /** At the start of the next epoch. */
    Position nextEpoch() {
        return new Position(seed, B, T, pagesPerEpoch, corpus, epoch + 1, 0, 0, bestLoss, bestStep);
    }

    /** With a new best model. */
    Position withBest(double loss, long step) {
        return new Position(seed, B, T, pagesPerEpoch, corpus, epoch, batch, lossSum, loss, step);
    }

    /** As names and texts, for a checkpoint; {@link #of} is the way back, exact to the bit. */
    public Map<String, String> toMap() {
        var map = new LinkedHashMap<String, String>();
        map.put("seed", Long.toString(seed));
        map.put("bs", Integer.toString(B));
        map.put("sl", Integer.toString(T));
        map.put("pages_per_epoch", Integer.toString(pagesPerEpoch));
        map.put("corpus", corpus);
        map.put("epoch", Long.toString(epoch));
        map.put("batch", Integer.toString(batch));
        map.put("loss_sum", Double.toString(lossSum));
        map.put("best_loss", Double.toString(bestLoss));
        map.put("best_step", Long.toString(bestStep));
        return map;
    }

    /**
     * Reads what {@link #toMap} made.
     *
     * @param source the checkpoint, for the message
     * @throws MalformedDataException when an entry is missing or out of range
     */
    public static Position of(Map<String, String> map, String source) throws MalformedDataException {
        try {
            var position = new Position(
                    Long.parseLong(entry(map, "seed", source)),
                    Integer.parseInt(entry(map, "bs", source)),
                    Integer.parseInt(entry(map, "sl", source)),
                    Integer.parseInt(entry(map, "pages_per_epoch", source)),
                    entry(map, "corpus", source),
                    Long.parseLong(entry(map, "epoch", source)),
                    Integer.parseInt(entry(map, "batch", source)),
                    Double.parseDouble(entry(map, "loss_sum", source)),
                    Double.parseDouble(entry(map, "best_loss", source)),
                    Long.parseLong(entry(map, "best_step", source)));
            if (position.B < 1 || position.T < 2 || position.pagesPerEpoch < 1) {
                throw new MalformedDataException(source, -1, "sizes below 1 in its position: " + map);
            }
            if (position.epoch < 0 || position.batch < 0 || position.bestStep < 0) {
                throw new MalformedDataException(source, -1, "counts below 0 in its position: " + map);
            }
            return position;
        } catch (NumberFormatException e) {
            throw new MalformedDataException(
                    source, -1, "expected numbers in its position, found " + e.getMessage(), e);
        }
    }

    /**
     * Refuses settings under which the run would go on with other tokens.
     *
     * @throws IllegalArgumentException naming the flag, both values and what to do
     */
    void mustMatch(MinerConfig config, String corpusNow) {
        mustEqual("--seed", seed, config.seed());
        mustEqual("--bs", B, config.B());
        mustEqual("--sl", T, config.T());
        mustEqual("--pages_per_epoch", pagesPerEpoch, config.pagesPerEpoch());
        mustEqual("--corpus or --dataset", corpus, corpusNow);
    }

    private static void mustEqual(String flag, Object then, Object now) {
        if (!then.equals(now)) {
            throw new IllegalArgumentException(
                    "the run to resume was started with " + flag + " " + then + ", now it is " + now
                            + "; give the old value, or start a new run from its best model with --load_model_dir");
        }
    }

    private static String entry(Map<String, String> map, String name, String source) throws MalformedDataException {
        String value = map.get(name);
        if (value == null) {
            throw new MalformedDataException(
                    source, -1, "its position lacks \"" + name + "\"; is it a checkpoint of the miner?");
        }
        return value;
    }
}
