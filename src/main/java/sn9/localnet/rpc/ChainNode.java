package sn9.localnet.rpc;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.chain.scale.StorageHasher;
import sn9.localnet.chain.Block;
import sn9.localnet.chain.EmbeddedChain;
import sn9.localnet.chain.InvalidExtrinsicException;

/**
 * The node behind the sessions: makes blocks in time, keeps extrinsics that came too early, and tells sessions what happened.
 * What sessions subscribe to and submit goes through one lock, so that they miss no block. Any thread may call it.
 */
final class ChainNode implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ChainNode.class);

    /** How often it is looked for new blocks, at most; other processes may make them, too. */
    private static final long MAX_TICK_MILLIS = 100;

    /** Connections at a time. */
    private static final int MAX_SESSIONS = 256;

    /** Extrinsics that wait for earlier ones. */
    private static final int MAX_EARLY = 256;

    private final EmbeddedChain chain;
    private final ChainSettings settings;
    private final Set<RpcSession> sessions = new HashSet<>();
    private final List<byte[]> early = new ArrayList<>();
    private final ScheduledExecutorService ticks = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("chain-node").daemon().factory());
    private Block best;
    private long finalized;

    ChainNode(EmbeddedChain chain, ChainSettings settings) throws IOException {
        this.chain = chain;
        this.settings = settings;
        this.best = chain.best();
        this.finalized = finalizedNumber();
        long period = Math.clamp(chain.parameters().blockTime().toMillis() / 2, 1, MAX_TICK_MILLIS);
        ticks.scheduleWithFixedDelay(this::tick, period, period, TimeUnit.MILLISECONDS);
    }

    EmbeddedChain chain() {
        return chain;
    }

    /** The latest block that sessions have been told of. */
    synchronized Block best() {
        return best;
    }

    /** The latest final block; the genesis while there is none behind it. */
    synchronized Block finalized() throws IOException {
        Optional<Block> block = chain.block(finalized);
        return block.isPresent() ? block.get() : best;
    }

    /** Adds a session, unless there are too many. */
    synchronized boolean add(RpcSession session) {
        return sessions.size() < MAX_SESSIONS && sessions.add(session);
    }

    synchronized void remove(RpcSession session) {
        sessions.remove(session);
    }

    /** What became of a submission: the block that holds it, or none while it waits for earlier ones. */
    record Submitted(byte[] hash, Optional<Long> block) {}

    /** Takes an extrinsic in, as {@link EmbeddedChain#submit} does, or keeps it until earlier ones have come. */
    synchronized Submitted submit(byte[] extrinsic) throws IOException, InvalidExtrinsicException {
        byte[] hash = StorageHasher.blake2b(extrinsic, 32);
        Optional<Long> block = chain.submit(extrinsic);
        if (block.isPresent()) {
            submitEarly();
        } else if (early.stream().noneMatch(kept -> Arrays.equals(kept, extrinsic))) {
            if (early.size() == MAX_EARLY) {
                early.removeFirst();
            }
            early.add(extrinsic);
        }
        return new Submitted(hash, block);
    }

    /** With a block for each extrinsic, makes it; after the submitter has been told that it was taken. */
    synchronized void sealIfInstant() throws IOException {
        if (settings.instant()) {
            makeBlock();
        }
    }

    /** Makes a block now. */
    synchronized Block makeBlock() throws IOException {
        chain.advance(1);
        tell();
        return best;
    }

    /** Extrinsics that wait for earlier ones. */
    synchronized List<byte[]> early() {
        return List.copyOf(early);
    }

    @Override
    public void close() throws IOException {
        ticks.shutdownNow();
        try {
            ticks.awaitTermination(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        chain.close();
    }

    private void submitEarly() throws IOException {
        for (byte[] extrinsic : List.copyOf(early)) {
            try {
                Optional<Long> block = chain.submit(extrinsic);
                if (block.isPresent()) {
                    early.remove(extrinsic);
                    byte[] hash = StorageHasher.blake2b(extrinsic, 32);
                    List.copyOf(sessions).forEach(session -> session.included(hash, block.get()));
                }
            } catch (InvalidExtrinsicException e) {
                early.remove(extrinsic);
                byte[] hash = StorageHasher.blake2b(extrinsic, 32);
                List.copyOf(sessions).forEach(session -> session.invalid(hash));
            }
        }
    }

    private void tick() {
        try {
            tell();
        } catch (IOException e) {
            LOG.warn("the chain cannot be read: {}", e.getMessage());
        }
    }

    /** Tells the sessions of all blocks that were made since the last time. */
    private synchronized void tell() throws IOException {
        Block now = chain.best();
        while (best.number() < now.number()) {
            Optional<Block> next = chain.block(best.number() + 1);
            best = next.isPresent() ? next.get() : now; // passed over, or forgotten meanwhile
            for (RpcSession session : List.copyOf(sessions)) {
                session.made(best);
            }
            for (long end = finalizedNumber(); finalized < end; ) {
                finalized++;
                Optional<Block> block = chain.block(finalized);
                if (block.isPresent()) {
                    List.copyOf(sessions).forEach(session -> session.finalized(block.get()));
                }
            }
        }
    }

    private long finalizedNumber() {
        return Math.max(0, best.number() - settings.finalityLag());
    }
}
