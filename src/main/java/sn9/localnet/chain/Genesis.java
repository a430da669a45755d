package sn9.localnet.chain;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import sn9.chain.scale.ScaleWriter;
import sn9.chain.scale.StorageHasher;
import sn9.chain.scale.Value;
import sn9.wallet.Keypair;

/** The first state of a chain: one subnet, the development keys that everybody knows with TAO to spend, Alice as root. */
final class Genesis {
    /** TAO that each development key begins with. */
    private static final long ENDOWMENT = 1_000_000_000_000_000L; // rao

    private static final List<String> ENDOWED = List.of("//Alice", "//Bob", "//Charlie", "//Dave", "//Eve", "//Ferdie");

    /** Least weights a validator may set: one, where the genuine default is 1,024. */
    private static final int MIN_WEIGHTS = 1;

    private Genesis() {}

    /** Writes the chain's row, its block 0 and the state at its end. */
    static void write(Connection connection, LocalChainParameters parameters, Instant genesis)
            throws SQLException, IOException {
        ChainState.insert(connection, parameters, genesis);
        Execution x = new Execution(connection, ChainState.read(connection), 0);
        Value netuid = Value.of(parameters.netuid());
        Value alice = null;
        for (String uri : ENDOWED) {
            try (Keypair key = Keypair.fromUri(uri)) {
                alice = alice == null ? Value.of(key.publicKey()) : alice;
                Accounts.set(x, key.publicKey(), ENDOWMENT);
            }
        }
        x.put("Balances.TotalIssuance", Value.of(ENDOWMENT * ENDOWED.size()));
        x.put("Sudo.Key", alice);
        Map<String, Value> settings = Map.ofEntries(
                Map.entry("NetworksAdded", Value.of(true)),
                Map.entry("SubnetOwner", alice),
                Map.entry("SubnetOwnerHotkey", alice),
                Map.entry("MaxAllowedUids", Value.of(parameters.maxUids())),
                Map.entry("Tempo", Value.of(parameters.tempo())),
                Map.entry("WeightsSetRateLimit", Value.of(parameters.weightsInterval())),
                Map.entry("MinAllowedWeights", Value.of(MIN_WEIGHTS)),
                Map.entry("CommitRevealWeightsEnabled", Value.of(parameters.commitReveal())));
        for (var setting : settings.entrySet()) {
            x.put("SubtensorModule." + setting.getKey(), setting.getValue(), netuid);
        }
        x.put("SubtensorModule.TotalNetworks", Value.of(1));
        byte[] name = ("sn9 localnet " + genesis.toEpochMilli()).getBytes(StandardCharsets.UTF_8);
        byte[] root = StorageHasher.blake2b(new ScaleWriter().byteList(name).toBytes(), 32);
        Blocks.insert(connection, Block.of(0, new byte[32], root, StorageHasher.blake2b(new byte[1], 32), genesis));
    }
}
