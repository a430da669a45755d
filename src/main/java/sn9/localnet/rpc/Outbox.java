package sn9.localnet.rpc;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.function.Consumer;

/**
 * Frames on their way to one client, sent in order on a thread of their own, so that a slow client holds nobody up. One that
 * lets too many pile up is cut off.
 */
final class Outbox implements Consumer<String>, AutoCloseable {
    private static final int MAX_FRAMES = 8_192;

    private final BlockingQueue<String> frames = new ArrayBlockingQueue<>(MAX_FRAMES);
    private final Runnable cutOff;
    private final Thread sender;

    /**
     * Starts sending.
     *
     * @param send sends one frame and returns when it is on its way
     * @param cutOff ends the connection
     */
    Outbox(Consumer<String> send, Runnable cutOff) {
        this.cutOff = cutOff;
        this.sender = Thread.ofVirtual().name("chain-outbox").start(() -> run(send));
    }

    @Override
    public void accept(String frame) {
        if (!frames.offer(frame)) {
            cutOff.run();
        }
    }

    @Override
    public void close() {
        sender.interrupt();
    }

    private void run(Consumer<String> send) {
        try {
            while (true) {
                send.accept(frames.take());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the client has gone
        }
    }
}
