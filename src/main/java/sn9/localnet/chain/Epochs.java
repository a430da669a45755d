package sn9.localnet.chain;

import java.io.IOException;
import java.math.BigInteger;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import sn9.chain.scale.Value;

/**
 * The chain's epochs: at every block that the tempo divides, before anything else of that block, weights become
 * incentive.
 *
 * <p>The rule is simple on purpose: the mean of the validators' normalised weights, weighted by stake. The genuine chain
 * (Yuma consensus) also clips outliers and bonds validators to miners, and its epochs are shifted by the subnet's number.
 */
final class Epochs {
    private static final int MAX_U16 = 65_535;

    /**
     * The weights of one validator.
     *
     * @param stake what its word counts, more than 0
     * @param weights by uid, more than 0 each
     */
    record Vote(double stake, SortedMap<Integer, Integer> weights) {}

    private Epochs() {}

    /**
     * Runs an epoch in the block that is being made.
     *
     * @param first block of the first epoch that it stands for, where several were passed over
     * @param last block of the last of them
     */
    static void run(Execution x, long first, long last) throws SQLException, IOException {
        Subnet subnet = new Subnet(x);
        SortedMap<Integer, Vote> votes = votes(x, subnet);
        SortedMap<Integer, Double> incentives = incentives(votes.values());
        keep(x.connection, first, last, incentives);
        int size = subnet.size();
        List<Value> shares = new ArrayList<>(Collections.nCopies(size, Value.of(0)));
        incentives.forEach((uid, share) -> shares.set(uid, Value.of(Math.round(share * MAX_U16))));
        for (String item : List.of("Incentive", "Rank", "Trust", "Consensus")) {
            Subnet.put(x, item, shares);
        }
        double stakes = votes.values().stream().mapToDouble(Vote::stake).sum();
        List<Value> dividends = new ArrayList<>(Collections.nCopies(size, Value.of(0)));
        List<Value> trust = new ArrayList<>(Collections.nCopies(size, Value.of(0)));
        votes.forEach((uid, vote) -> {
            dividends.set(uid, Value.of(Math.round(vote.stake / stakes * MAX_U16)));
            trust.set(uid, Value.of(MAX_U16));
        });
        Subnet.put(x, "Dividends", dividends);
        Subnet.put(x, "ValidatorTrust", trust);
        x.put("SubtensorModule.LastMechansimStepBlock", Value.of(x.block()), subnet.netuid());
    }

    /** Stake-weighted mean of the normalised weights, by uid, of sum 1; empty without votes. */
    static SortedMap<Integer, Double> incentives(Collection<Vote> votes) {
        SortedMap<Integer, Double> incentives = new TreeMap<>();
        double stakes = votes.stream().mapToDouble(Vote::stake).sum();
        for (Vote vote : votes) {
            double total = vote.weights.values().stream().mapToDouble(v -> v).sum();
            vote.weights.forEach(
                    (uid, value) -> incentives.merge(uid, vote.stake / stakes * (value / total), Double::sum));
        }
        return incentives;
    }

    /** The latest results, newest first. */
    static List<EpochResult> latest(Connection connection, int limit) throws SQLException {
        List<EpochResult> results = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement(
                "SELECT id, first_block, last_block FROM epochs ORDER BY id DESC LIMIT ?")) {
            select.setInt(1, limit);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    results.add(
                            new EpochResult(row.getLong(2), row.getLong(3), incentives(connection, row.getLong(1))));
                }
            }
        }
        return results;
    }

    /** The weights of each validator by its uid, for slots that still belong to whom they were meant for. */
    private static SortedMap<Integer, Vote> votes(Execution x, Subnet subnet) throws SQLException, IOException {
        SortedMap<Integer, Vote> votes = new TreeMap<>();
        List<BigInteger> updates = subnet.numbers("LastUpdate");
        List<Boolean> permits = subnet.flags("ValidatorPermit");
        for (int uid = 0; uid < subnet.size(); uid++) {
            if (!permits.get(uid) || subnet.hotkey(uid).isEmpty()) {
                continue;
            }
            SortedMap<Integer, Integer> weights = new TreeMap<>();
            for (Value pair : x.get("SubtensorModule.Weights", subnet.netuid(), Value.of(uid))
                    .items()) {
                int target = (int) pair.at(0).natural();
                int weight = (int) pair.at(1).natural();
                if (weight > 0 && held(x, subnet, target, updates.get(uid).longValue())) {
                    weights.put(target, weight);
                }
            }
            if (!weights.isEmpty()) {
                votes.put(uid, new Vote(subnet.stake(subnet.hotkey(uid).get()), weights));
            }
        }
        return votes;
    }

    /** Whether a slot's holder has held it since a block; the weights of those before are void. */
    private static boolean held(Execution x, Subnet subnet, int uid, long since) throws SQLException, IOException {
        return subnet.hotkey(uid).isPresent()
                && x.number("SubtensorModule.BlockAtRegistration", subnet.netuid(), Value.of(uid)) <= since;
    }

    private static void keep(Connection connection, long first, long last, SortedMap<Integer, Double> incentives)
            throws SQLException {
        long epoch;
        try (PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO epochs (first_block, last_block) VALUES (?, ?) RETURNING id")) {
            insert.setLong(1, first);
            insert.setLong(2, last);
            try (ResultSet row = insert.executeQuery()) {
                row.next();
                epoch = row.getLong(1);
            }
        }
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO incentives VALUES (?, ?, ?)")) {
            for (var share : incentives.entrySet()) {
                insert.setLong(1, epoch);
                insert.setInt(2, share.getKey());
                insert.setDouble(3, share.getValue());
                insert.executeUpdate();
            }
        }
    }

    private static SortedMap<Integer, Double> incentives(Connection connection, long epoch) throws SQLException {
        SortedMap<Integer, Double> incentives = new TreeMap<>();
        try (PreparedStatement select =
                connection.prepareStatement("SELECT uid, incentive FROM incentives WHERE epoch = ?")) {
            select.setLong(1, epoch);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    incentives.put(row.getInt(1), row.getDouble(2));
                }
            }
        }
        return incentives;
    }
}
