package sn9.dashboard;

/**
 * A measurement.
 *
 * @param step optimiser step
 * @param loss mean nats per token, finite
 */
public record Point(long step, double loss) {}
