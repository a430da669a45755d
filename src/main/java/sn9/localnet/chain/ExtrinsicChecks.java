package sn9.localnet.chain;

import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.sql.SQLException;
import java.util.Optional;
import sn9.chain.scale.ExtrinsicFormat;
import sn9.chain.scale.ScaleWriter;
import sn9.chain.scale.SigningContext;
import sn9.chain.scale.Value;
import sn9.wallet.Sr25519;

/** What is checked of an extrinsic before it comes into a block (spec/chain.md 1 and 6). */
final class ExtrinsicChecks {
    private static final int INVALID_IP = 11;
    private static final int SERVING_TOO_FAST = 12;
    private static final int INVALID_PORT = 13;

    private ExtrinsicChecks() {}

    /** Whether an account's signature is right for this chain, its runtime, and the block that is being made. */
    static void signature(StateView state, SignedExtrinsic extrinsic)
            throws SQLException, IOException, InvalidExtrinsicException {
        Block genesis = Blocks.find(state.connection, 0).orElseThrow(() -> new SQLException("there is no block 0"));
        long birth = extrinsic.era().birth(state.block());
        byte[] eraHash = Blocks.find(state.connection, birth)
                .orElseThrow(() -> InvalidExtrinsicException.invalid("Transaction has an ancient birth block"))
                .hash();
        var context = new SigningContext(
                state.runtime.specVersion(),
                state.runtime.transactionVersion(),
                genesis.hash(),
                extrinsic.era(),
                eraHash,
                extrinsic.nonce(),
                extrinsic.tip());
        byte[] signed = new ExtrinsicFormat(state.runtime.metadata()).bytesToSign(extrinsic.callBytes(), context);
        if (!Sr25519.verify(extrinsic.account(), signed, extrinsic.signature())) {
            throw InvalidExtrinsicException.invalid("Transaction has a bad signature");
        }
    }

    /** Whether the account can pay, and the call is one that may come into a block. */
    static void payment(StateView state, SignedExtrinsic extrinsic, long fee)
            throws SQLException, IOException, InvalidExtrinsicException {
        BigInteger cost = extrinsic.tip().add(BigInteger.valueOf(fee));
        long free = Accounts.free(state, extrinsic.account());
        if (cost.signum() > 0 && cost.compareTo(BigInteger.valueOf(free)) > 0) {
            throw InvalidExtrinsicException.invalid("Inability to pay some fees (e.g. account balance too low)");
        }
    }

    /** Subtensor's own checks; the others of its list are made when the call is run. */
    static void call(StateView state, SignedExtrinsic extrinsic)
            throws SQLException, IOException, InvalidExtrinsicException {
        if (!Dispatch.name(extrinsic.call()).equals("SubtensorModule.serve_axon")) {
            return;
        }
        Value axon = extrinsic.call().choice().at(0).choice().fields();
        if (!isPublic(axon.field("ip").integer(), axon.field("ip_type").natural())) {
            throw InvalidExtrinsicException.custom(INVALID_IP);
        }
        if (axon.field("port").natural() == 0) {
            throw InvalidExtrinsicException.custom(INVALID_PORT);
        }
        Optional<Value> before =
                state.find("SubtensorModule.Axons", axon.field("netuid"), Value.of(extrinsic.account()));
        long limit = state.number("SubtensorModule.ServingRateLimit", axon.field("netuid"));
        if (before.isPresent() && state.block() - before.get().field("block").natural() < limit) {
            throw InvalidExtrinsicException.custom(SERVING_TOO_FAST);
        }
    }

    private static boolean isPublic(BigInteger ip, long type) throws IOException {
        int bytes = type == 4 ? 4 : 16;
        if (type != 4 && type != 6 || ip.bitLength() > bytes * Byte.SIZE) {
            return false;
        }
        byte[] little = new ScaleWriter().unsigned(ip, bytes).toBytes();
        byte[] address = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            address[i] = little[bytes - 1 - i];
        }
        InetAddress host = InetAddress.getByAddress(address);
        return !(host.isAnyLocalAddress()
                || host.isLoopbackAddress()
                || host.isSiteLocalAddress()
                || host.isLinkLocalAddress()
                || host.isMulticastAddress());
    }
}
