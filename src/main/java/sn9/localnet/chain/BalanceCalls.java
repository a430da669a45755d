package sn9.localnet.chain;

import java.io.IOException;
import java.sql.SQLException;
import java.util.Optional;
import sn9.chain.scale.StorageHasher;
import sn9.chain.scale.Value;

/** Calls of the pallets Balances and System. */
final class BalanceCalls {
    private BalanceCalls() {}

    /** {@code transfer_keep_alive} and {@code transfer_allow_death}. */
    static void transfer(Execution x, byte[] from, Value arguments, boolean keepAlive)
            throws SQLException, IOException, DispatchException {
        byte[] to = account(arguments.field("dest"));
        long amount = Accounts.amount(arguments.field("value"));
        long free = Accounts.free(x, from);
        if (free < amount) {
            throw DispatchException.shared("Arithmetic", "Underflow");
        }
        long left = free - amount;
        if (keepAlive && left < Accounts.EXISTENTIAL_DEPOSIT) {
            throw DispatchException.shared("Token", "NotExpendable");
        }
        if (Accounts.free(x, to) + amount < Accounts.EXISTENTIAL_DEPOSIT) {
            throw DispatchException.shared("Token", "BelowMinimum");
        }
        Accounts.withdraw(x, from, amount);
        Accounts.deposit(x, to, amount);
        x.emit("Balances", "Transfer", Value.of(from), Value.of(to), Value.of(amount));
        if (left < Accounts.EXISTENTIAL_DEPOSIT && left > 0) {
            Accounts.withdraw(x, from, left);
        }
        if (left < Accounts.EXISTENTIAL_DEPOSIT) {
            x.emit("System", "KilledAccount", Value.of(from));
        }
    }

    /** {@code force_set_balance}, for root. */
    static void setBalance(Execution x, Value arguments) throws SQLException, IOException, DispatchException {
        byte[] who = account(arguments.field("who"));
        long free = Accounts.amount(arguments.field("new_free"));
        if (free > Accounts.MAX_SUPPLY) {
            throw DispatchException.shared("Arithmetic", "Overflow");
        }
        x.add("Balances.TotalIssuance", free - Accounts.free(x, who));
        Accounts.set(x, who, free);
        x.emit("Balances", "BalanceSet", Value.of(who), Value.of(free));
    }

    /** {@code set_storage} and {@code kill_storage}, for root. */
    static void storage(Execution x, String call, Value arguments) throws SQLException, IOException, DispatchException {
        boolean set = call.equals("set_storage");
        for (Value item : arguments.field(set ? "items" : "keys").items()) {
            byte[] key = set ? item.at(0).bytes() : item.bytes();
            if (key.length > StateView.MAX_KEY_BYTES) {
                throw DispatchException.shared("Exhausted");
            }
            x.write(key, set ? Optional.of(item.at(1).bytes()) : Optional.empty());
        }
    }

    /** {@code remark_with_event}. */
    static void remark(Execution x, byte[] sender, Value arguments) throws SQLException, IOException {
        byte[] hash = StorageHasher.blake2b(arguments.field("remark").bytes(), 32);
        x.emit("System", "Remarked", Value.of(sender), Value.of(hash));
    }

    private static byte[] account(Value address) throws IOException, DispatchException {
        Value.Choice choice = address.choice();
        if (!choice.name().equals("Id")) {
            throw DispatchException.shared("CannotLookup");
        }
        return choice.at(0).bytes();
    }
}
