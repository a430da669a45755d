package sn9.chain;

import java.time.Duration;

/**
 * How long the client waits for what.
 *
 * @param connect for a connection
 * @param call for one answer; a node that is silent for longer is left
 * @param patience for an answer from any of the endpoints, reconnections included; also for a question of several calls
 * @param firstPause before the first reconnection; doubled for each that follows
 * @param longestPause what the pause grows to
 */
public record RpcSettings(
        Duration connect, Duration call, Duration patience, Duration firstPause, Duration longestPause) {
    /** What suits a public endpoint. */
    public static RpcSettings standard() {
        return new RpcSettings(
                Duration.ofSeconds(10),
                Duration.ofSeconds(20),
                Duration.ofSeconds(90),
                Duration.ofMillis(250),
                Duration.ofSeconds(10));
    }
}
