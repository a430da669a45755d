package sn9.localnet.chain;

import java.io.IOException;
import java.math.BigInteger;
import java.sql.SQLException;
import java.util.HexFormat;
import java.util.Optional;
import sn9.MalformedDataException;
import sn9.chain.scale.Value;

/** Takes signed extrinsics into the open block: checks, fee, call, events. */
final class Extrinsics {
    private Extrinsics() {}

    /** @throws InvalidExtrinsicException when the bytes are no extrinsic that this runtime can read */
    static SignedExtrinsic read(byte[] bytes) throws IOException, InvalidExtrinsicException {
        try {
            return SignedExtrinsic.read(bytes);
        } catch (MalformedDataException e) {
            throw InvalidExtrinsicException.unreadable(e.getMessage());
        }
    }

    /**
     * Includes an extrinsic; a call that fails is included, too.
     *
     * @param max extrinsics that a block takes
     * @return false when extrinsics of the account have to come first
     * @throws InvalidExtrinsicException when it may not be included; nothing is written then
     */
    static boolean include(Execution x, SignedExtrinsic extrinsic, int max)
            throws SQLException, IOException, InvalidExtrinsicException {
        if (Blocks.holds(x.connection, x.block(), extrinsic.hash())) {
            throw InvalidExtrinsicException.known("0x" + HexFormat.of().formatHex(extrinsic.hash()));
        }
        ExtrinsicChecks.signature(x, extrinsic);
        long nonce = Accounts.nonce(x, extrinsic.account());
        if (extrinsic.nonce() < nonce) {
            long made = Accounts.nonce(new StateView(x.connection, x.chain(), x.block() - 1), extrinsic.account());
            throw extrinsic.nonce() < made
                    ? InvalidExtrinsicException.invalid("Transaction is outdated")
                    : InvalidExtrinsicException.replaced();
        }
        CallInfo info = CallInfo.of(Dispatch.name(extrinsic.call()));
        ExtrinsicChecks.payment(x, extrinsic, info.fee(extrinsic.bytes().length));
        ExtrinsicChecks.call(x, extrinsic);
        if (extrinsic.nonce() > nonce) {
            return false;
        }
        int count = Blocks.extrinsicCount(x.connection, x.block());
        if (count >= max) {
            throw InvalidExtrinsicException.dropped();
        }
        x.place(count + 1);
        run(x, extrinsic, info);
        Blocks.add(x.connection, x.block(), count + 1, extrinsic.hash(), extrinsic.bytes());
        return true;
    }

    /** Runs the call and tells of it by events: the fee after the call's own, the result last. */
    private static void run(Execution x, SignedExtrinsic extrinsic, CallInfo info) throws SQLException, IOException {
        Value who = Value.of(extrinsic.account());
        BigInteger fee = BigInteger.valueOf(info.fee(extrinsic.bytes().length)).add(extrinsic.tip());
        Accounts.countExtrinsic(x, extrinsic.account());
        Optional<DispatchException> failure = Optional.empty();
        try {
            if (fee.signum() > 0) {
                Accounts.withdraw(x, extrinsic.account(), fee.longValueExact());
                x.emit("Balances", "Withdraw", who, Value.of(fee));
            }
            x.atomically(() -> Dispatch.run(x, Optional.of(extrinsic.account()), extrinsic.call()));
        } catch (DispatchException e) {
            failure = Optional.of(e);
        }
        x.emit("TransactionPayment", "TransactionFeePaid", who, Value.of(fee), Value.of(extrinsic.tip()));
        Value told = x.runtime.dispatchInfo(info);
        if (failure.isPresent()) {
            x.emit("System", "ExtrinsicFailed", failure.get().error(), told);
        } else {
            x.emit("System", "ExtrinsicSuccess", told);
        }
    }
}
