package sn9.localnet.chain;

import java.io.IOException;
import java.math.BigInteger;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import sn9.chain.scale.Value;

/** Nonces and balances: {@code System.Account}. Amounts are in rao. */
final class Accounts {
    /** An account that would hold less is removed (the runtime's constant Balances.ExistentialDeposit). */
    static final long EXISTENTIAL_DEPOSIT = 500;

    /** More TAO there will never be. */
    static final long MAX_SUPPLY = 21_000_000L * 1_000_000_000L;

    private static final String ITEM = "System.Account";

    private Accounts() {}

    /** An amount of a call; more than there can ever be is an overflow. */
    static long amount(Value value) throws IOException, DispatchException {
        BigInteger amount = value.integer();
        if (amount.bitLength() >= Long.SIZE) {
            throw DispatchException.shared("Arithmetic", "Overflow");
        }
        return amount.longValue();
    }

    static long nonce(StateView state, byte[] account) throws SQLException, IOException {
        return state.get(ITEM, Value.of(account)).field("nonce").natural();
    }

    static long free(StateView state, byte[] account) throws SQLException, IOException {
        return state.get(ITEM, Value.of(account)).field("data").field("free").natural();
    }

    static void countExtrinsic(Execution x, byte[] account) throws SQLException, IOException {
        Value info = x.get(ITEM, Value.of(account));
        x.put(ITEM, with(info, "nonce", info.field("nonce").integer().add(BigInteger.ONE)), Value.of(account));
    }

    /** Takes an amount that is there. */
    static void withdraw(Execution x, byte[] account, long amount) throws SQLException, IOException, DispatchException {
        long free = free(x, account);
        if (free < amount) {
            throw DispatchException.shared("Token", "FundsUnavailable");
        }
        set(x, account, free - amount);
        x.add("Balances.TotalIssuance", -amount);
    }

    /** Gives an amount. */
    static void deposit(Execution x, byte[] account, long amount) throws SQLException, IOException {
        long free = free(x, account);
        if (free == 0 && amount > 0) {
            x.emit("System", "NewAccount", Value.of(account));
            x.emit("Balances", "Endowed", Value.of(account), Value.of(amount));
        }
        set(x, account, Math.addExact(free, amount));
        x.add("Balances.TotalIssuance", amount);
    }

    /** Sets a balance; the issuance is the caller's affair. An account exists while it holds anything. */
    static void set(Execution x, byte[] account, long free) throws SQLException, IOException {
        Value info = x.get(ITEM, Value.of(account));
        Value data = with(info.field("data"), "free", BigInteger.valueOf(free));
        var fields = new LinkedHashMap<>(((Value.Struct) info).fields());
        fields.put("data", data);
        fields.put("providers", Value.of(free > 0 ? 1 : 0));
        x.put(ITEM, new Value.Struct(fields), Value.of(account));
    }

    private static Value with(Value struct, String field, BigInteger number) {
        var fields = new LinkedHashMap<>(((Value.Struct) struct).fields());
        fields.put(field, Value.of(number));
        return new Value.Struct(fields);
    }
}
