package sn9.chain;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.RemoteCallException;

/**
 * A connection to one of several endpoints of the same chain, kept up: what fails on one is repeated on the next, with
 * growing pauses, until the caller's time is over. Meant for calls that may be repeated; submissions use {@link #connection}.
 */
final class RpcClient implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RpcClient.class);

    private final List<String> endpoints;
    private final RpcSettings settings;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile Optional<String> genesis;
    private RpcConnection current; // under the lock; null before the first connection
    private int next; // under the lock: place of the endpoint to try next
    private boolean closed;

    /**
     * Connects on the first call.
     *
     * @param endpoints addresses, tried in order
     * @param genesis the genesis hash they must have; empty for that of the first that answers
     */
    RpcClient(List<String> endpoints, Optional<String> genesis, RpcSettings settings) {
        if (endpoints.isEmpty()) {
            throw new IllegalArgumentException("no endpoint is given");
        }
        this.endpoints = List.copyOf(endpoints);
        this.genesis = genesis;
        this.settings = settings;
    }

    RpcSettings settings() {
        return settings;
    }

    List<String> endpoints() {
        return endpoints;
    }

    /**
     * Calls a method that may be repeated.
     *
     * @param limit until when, connecting and waiting for other threads included
     * @throws RpcErrorException when a node answers with an error
     * @throws ChainException when no endpoint answers in time
     */
    JsonNode call(Deadline limit, String method, Object... parameters)
            throws RemoteCallException, InterruptedException {
        long start = System.nanoTime();
        var pause = settings.firstPause();
        while (true) {
            RpcConnection connection = null;
            try {
                connection = connection(limit);
                return connection.call(limit.orIn(settings.call()).left(), method, parameters);
            } catch (RpcErrorException e) {
                throw e;
            } catch (RemoteCallException e) {
                if (!e.retryable()) {
                    throw e;
                }
                if (connection != null) {
                    leave(connection, e.getMessage());
                }
                if (limit.left().compareTo(settings.firstPause().multipliedBy(2)) <= 0) {
                    long millis = Duration.ofNanos(System.nanoTime() - start).toMillis();
                    throw new ChainException(method + ": given up after " + millis + " ms: " + e.getMessage(), true, e);
                }
            }
            // Half of what is left is kept for the next try, which would say nothing but that its time was short
            // otherwise.
            var half = limit.left().dividedBy(2);
            Thread.sleep(pause.compareTo(half) < 0 ? pause : half);
            pause = pause.multipliedBy(2).compareTo(settings.longestPause()) < 0
                    ? pause.multipliedBy(2)
                    : settings.longestPause();
        }
    }

    /**
     * The present connection, or a new one to the next endpoint.
     *
     * @throws ChainException when that endpoint cannot be reached in time, or serves another chain
     */
    RpcConnection connection(Deadline limit) throws RemoteCallException, InterruptedException {
        if (!lock.tryLock(limit.left().toNanos(), TimeUnit.NANOSECONDS)) {
            throw new ChainException("no connection in time: another thread is at it", true);
        }
        try {
            if (closed) {
                throw new ChainException("the client is closed", false);
            }
            if (current == null || !current.isOpen()) {
                current = connect(endpoints.get(next), limit);
            }
            return current;
        } catch (RemoteCallException e) {
            next = (next + 1) % endpoints.size();
            throw e.retryable() || endpoints.size() == 1 ? e : new ChainException(e.getMessage(), true, e);
        } finally {
            lock.unlock();
        }
    }

    /** Gives up a connection that does not do; the next one goes to the next endpoint. */
    void leave(RpcConnection connection, String reason) {
        lock.lock();
        try {
            if (current == connection) {
                next = (endpoints.indexOf(connection.endpoint()) + 1) % endpoints.size();
                current = null;
                LOG.info(
                        "event=chain_left endpoint={} next={} reason=\"{}\"",
                        connection.endpoint(),
                        endpoints.get(next),
                        reason);
            }
        } finally {
            lock.unlock();
        }
        connection.close();
    }

    /** Gives up the present connection, whichever it is. */
    void leave(String reason) {
        lock.lock();
        try {
            if (current != null) {
                leave(current, reason);
            }
        } finally {
            lock.unlock();
        }
    }

    /** The hash of block 0, {@code 0x} and 64 digits. */
    String genesis(Deadline limit) throws RemoteCallException, InterruptedException {
        connection(limit);
        return genesis.orElseThrow();
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            if (current != null) {
                current.close();
            }
        } finally {
            lock.unlock();
        }
    }

    private RpcConnection connect(String endpoint, Deadline limit) throws RemoteCallException, InterruptedException {
        if (limit.isOver()) {
            throw new ChainException(endpoint + ": no time is left to connect", true);
        }
        var connection = RpcConnection.open(
                endpoint, limit.orIn(settings.connect()).left().plusMillis(1));
        try {
            String found = Hex.hash(
                    endpoint + " genesis hash",
                    connection.call(limit.orIn(settings.call()).left(), "chain_getBlockHash", 0));
            if (genesis.isPresent() && !genesis.get().equals(found)) {
                throw new ChainException(
                        endpoint + " serves another chain: its genesis is " + found + ", expected " + genesis.get(),
                        false);
            }
            genesis = Optional.of(found);
            LOG.debug("event=chain_connected endpoint={}", endpoint);
            return connection;
        } catch (MalformedDataException e) {
            connection.close();
            throw new ChainException(e.getMessage(), true, e);
        } catch (RemoteCallException | InterruptedException e) {
            connection.close();
            throw e;
        }
    }
}
