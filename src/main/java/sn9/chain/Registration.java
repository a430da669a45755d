package sn9.chain;

import java.math.BigInteger;
import java.time.Duration;
import java.util.OptionalInt;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.chain.scale.Value;
import sn9.wallet.Keypair;
import sn9.wallet.Ss58;

/** What a coldkey does on the chain: buys slots for hotkeys, and moves TAO. */
public final class Registration {
    private static final String PALLET = "SubtensorModule";
    private static final int ERA_BLOCKS = 16;

    private final ChainClient chain;
    private final Extrinsics extrinsics;

    /**
     * What a slot costs.
     *
     * @param burn rao that registering takes
     * @param balance rao that the coldkey has free
     */
    public record Price(BigInteger burn, BigInteger balance) {}

    /** Works over a connection. */
    public Registration(ChainClient chain, Duration patience) {
        this.chain = chain;
        this.extrinsics = new Extrinsics(chain, patience);
    }

    /** The slot of a hotkey, if it has one. */
    public OptionalInt uid(int netuid, String hotkey) throws RemoteCallException, InterruptedException {
        var uid = chain.head().storage(PALLET, "Uids", Value.of(netuid), Value.of(Ss58.decode(hotkey)));
        try {
            return uid.isEmpty()
                    ? OptionalInt.empty()
                    : OptionalInt.of((int) uid.get().natural());
        } catch (MalformedDataException e) {
            throw chain.misunderstood("SubtensorModule.Uids", e);
        }
    }

    /**
     * What a slot costs now, and what there is to pay it with.
     *
     * @throws ChainException when there is no such subnet, or it takes no registrations
     */
    public Price price(int netuid, String coldkey) throws RemoteCallException, InterruptedException {
        var view = chain.head();
        try {
            if (!isTrue(view, "NetworksAdded", netuid)) {
                throw new ChainException("there is no subnet " + netuid + " on this chain", false);
            }
            if (!isTrue(view, "NetworkRegistrationAllowed", netuid)) {
                throw new ChainException("subnet " + netuid + " takes no registrations at present", false);
            }
            var burn = view.storage(PALLET, "Burn", Value.of(netuid)).orElse(Value.of(0));
            var account = view.storage("System", "Account", Value.of(Ss58.decode(coldkey)))
                    .orElseThrow(() -> new ChainException("System.Account has no default", false));
            return new Price(burn.integer(), account.field("data").field("free").integer());
        } catch (MalformedDataException e) {
            throw chain.misunderstood("price of subnet " + netuid, e);
        }
    }

    /**
     * Registers a hotkey by burning TAO of the coldkey; one that has a slot keeps it and pays nothing.
     *
     * @return its uid, read back from the chain
     * @throws ChainException when the balance is short, or the chain refused
     */
    public int register(int netuid, Keypair coldkey, String hotkey) throws RemoteCallException, InterruptedException {
        var present = uid(netuid, hotkey);
        if (present.isPresent()) {
            return present.getAsInt();
        }
        var price = price(netuid, coldkey.address());
        if (price.balance().compareTo(price.burn()) < 0) {
            throw new ChainException(
                    "registering costs " + price.burn() + " rao, coldkey " + coldkey.address() + " has "
                            + price.balance(),
                    false);
        }
        submit(
                coldkey,
                PALLET,
                "burned_register",
                Value.struct("netuid", Value.of(netuid), "hotkey", Value.of(Ss58.decode(hotkey))));
        return uid(netuid, hotkey)
                .orElseThrow(() -> new ChainException(
                        "registered, but the chain knows no uid of " + hotkey + " on subnet " + netuid, true));
    }

    /**
     * Sends TAO and keeps the sender's account alive.
     *
     * @param rao how much
     * @return the block of the transfer
     */
    public long transfer(Keypair from, String to, BigInteger rao) throws RemoteCallException, InterruptedException {
        return submit(
                from,
                "Balances",
                "transfer_keep_alive",
                Value.struct("dest", Value.choice("Id", Value.of(Ss58.decode(to))), "value", Value.of(rao)));
    }

    /**
     * Announces where a neuron listens; private addresses are refused by the chain.
     *
     * @param ip the address as a number
     * @param ipType 4 or 6
     * @return the block of the announcement
     */
    public long serveAxon(Keypair hotkey, int netuid, long version, BigInteger ip, int port, int ipType)
            throws RemoteCallException, InterruptedException {
        return submit(
                hotkey,
                PALLET,
                "serve_axon",
                Value.struct(
                        "netuid", Value.of(netuid),
                        "version", Value.of(version),
                        "ip", Value.of(ip),
                        "port", Value.of(port),
                        "ip_type", Value.of(ipType),
                        "protocol", Value.of(4),
                        "placeholder1", Value.of(0),
                        "placeholder2", Value.of(0)));
    }

    private long submit(Keypair signer, String pallet, String call, Value arguments)
            throws RemoteCallException, InterruptedException {
        var signed = extrinsics.sign(signer, pallet, call, arguments, ERA_BLOCKS);
        return extrinsics.submit(signed, true).included(call).block();
    }

    private static boolean isTrue(ChainView view, String item, int netuid)
            throws RemoteCallException, InterruptedException, MalformedDataException {
        var value = view.storage(PALLET, item, Value.of(netuid));
        return value.isPresent() && value.get().truth();
    }
}
