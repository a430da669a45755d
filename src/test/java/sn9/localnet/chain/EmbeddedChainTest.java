package sn9.localnet.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sn9.localnet.chain.ChainFixture.NETUID;
import static sn9.localnet.chain.ChainFixture.call;
import static sn9.localnet.chain.ChainFixture.commitment;
import static sn9.localnet.chain.ChainFixture.sudo;
import static sn9.localnet.chain.ChainFixture.weights;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.chain.scale.Era;
import sn9.chain.scale.ScaleWriter;
import sn9.chain.scale.Value;
import sn9.subnet.Commitment;
import sn9.wallet.Keypair;

class EmbeddedChainTest {
    private static final String FEE = "TransactionPayment.TransactionFeePaid";
    private static final String SUCCESS = "System.ExtrinsicSuccess";

    @TempDir
    Path folder;

    private ChainFixture on;

    @BeforeEach
    void open() throws Exception {
        on = new ChainFixture(folder);
    }

    @AfterEach
    void close() throws Exception {
        on.close();
    }

    @Test
    void blocksAreLinkedByTheirHashes() throws Exception {
        on.chain.submit(on.sign(on.miner, commitment("one")));
        on.chain.advance(5);
        Block best = on.chain.best();
        assertThat(best.number()).isEqualTo(on.chain.openBlock() - 1);
        for (Block block = best; block.number() > 0; ) {
            Block parent = on.chain.block(block.parent()).orElseThrow();
            assertThat(parent.number()).isEqualTo(block.number() - 1);
            assertThat(Block.of(block.number(), block.parent(), block.stateRoot(), block.extrinsicsRoot(), block.time())
                            .hash())
                    .isEqualTo(block.hash());
            assertThat(block.time()).isAfter(parent.time());
            block = parent;
        }
    }

    @Test
    void aCommitmentIsIncludedAndStandsFromItsBlockOn() throws Exception {
        Block before = on.chain.best();
        byte[] extrinsic = on.sign(on.miner, commitment("my-org/my-model"));
        long block = on.chain.submit(extrinsic).orElseThrow();
        assertThat(block).isEqualTo(before.number() + 1);
        on.chain.advance(1);
        assertThat(on.events(block)).containsExactly("Commitments.Commitment", FEE, SUCCESS);
        Block held = on.chain.block(block).orElseThrow();
        assertThat(on.chain.extrinsics(held)).hasSize(2).element(1).isEqualTo(extrinsic);
        var made = on.chain.look(held, s -> EmbeddedChain.commitment(s, on.miner.publicKey()));
        assertThat(made.orElseThrow().block()).isEqualTo(block);
        assertThat(made.orElseThrow().text()).isEqualTo("my-org/my-model");
        assertThat(on.chain.<Optional<?>>look(before, s -> EmbeddedChain.commitment(s, on.miner.publicKey())))
                .isEmpty();
    }

    @Test
    void spaceForCommitmentsIsCountedByEpoch() throws Exception {
        on.run(on.alice, sudo(call("Commitments", "set_max_space", "new_limit", Value.of(250))));
        on.chain.advance(30 - on.chain.openBlock()); // 32 is the first block of the next stretch of 21
        assertThat(on.run(on.miner, commitment("a"))).contains(SUCCESS);
        assertThat(on.run(on.miner, commitment("b".repeat(128)))).contains(SUCCESS);
        assertThat(on.chain.openBlock()).isEqualTo(32);
        assertThat(on.run(on.miner, commitment("c"))).contains(SUCCESS);
        assertThat(on.run(on.miner, commitment("d".repeat(128)))).contains(SUCCESS);
        assertThat(on.run(on.miner, commitment("e"))).containsExactly(FEE, "Commitments.SpaceLimitExceeded");
        assertThat(on.run(on.alice, commitment("f"))).containsExactly(FEE, "Commitments.AccountNotAllowedCommit");
    }

    @Test
    void weightsAreCheckedInTheGenuineOrder() throws Exception {
        record Case(Keypair who, Value call, String error) {}
        int[] none = {};
        for (Case c : List.of(
                new Case(on.validator, weights(0, new int[] {0, 1}, new int[] {1}), "WeightVecNotEqualSize"),
                new Case(on.validator, weights(0, new int[3], new int[3]), "UidsLengthExceedUidsInSubNet"),
                new Case(on.alice, weights(0, new int[] {0}, new int[] {1}), "HotKeyNotRegisteredInSubNet"),
                new Case(on.miner, weights(0, new int[] {1}, new int[] {1}), "NeuronNoValidatorPermit"),
                new Case(on.validator, weights(0, new int[] {1, 1}, new int[] {1, 1}), "DuplicateUids"),
                new Case(on.validator, weights(0, new int[] {7}, new int[] {1}), "UidVecContainInvalidOne"),
                new Case(on.validator, weights(0, none, none), "WeightVecLengthIsLow"))) {
            assertThat(on.run(c.who, c.call)).containsExactly(FEE, "SubtensorModule." + c.error);
        }
        Value version = call(
                "AdminUtils", "sudo_set_weights_version_key", "netuid", NETUID, "weights_version_key", Value.of(2021));
        assertThat(on.run(on.alice, sudo(version))).contains("SubtensorModule.WeightsVersionKeySet", "Sudo.Sudid");
        Value good = weights(2021, new int[] {0, 1}, new int[] {1, 2});
        assertThat(on.run(on.validator, weights(2020, new int[] {0, 1}, new int[] {1, 2})))
                .contains("SubtensorModule.IncorrectWeightVersionKey");
        assertThat(on.run(on.validator, good)).containsExactly("SubtensorModule.WeightsSet", FEE, SUCCESS);
        assertThat(on.stored("SubtensorModule.Weights", NETUID, Value.of(1)).orElseThrow())
                .isEqualTo(Value.items(Value.numbers(0, 32_768), Value.numbers(1, 65_535)));
        Value limit = call(
                "AdminUtils",
                "sudo_set_weights_set_rate_limit",
                "netuid",
                NETUID,
                "weights_set_rate_limit",
                Value.of(100));
        on.run(on.alice, sudo(limit));
        assertThat(on.run(on.validator, good)).contains("SubtensorModule.SettingWeightsTooFast");
        on.chain.advance(100);
        assertThat(on.run(on.validator, good)).contains(SUCCESS);
    }

    @Test
    void committedWeightsAreRevealedInTheirEpochOnly() throws Exception {
        Value reveal = call(
                "SubtensorModule",
                "reveal_weights",
                "netuid",
                NETUID,
                "uids",
                Value.numbers(0),
                "values",
                Value.numbers(9),
                "salt",
                Value.numbers(4, 5),
                "version_key",
                Value.of(0));
        byte[] hash = on.chain.lookNow(s -> WeightCalls.hash(
                s, on.validator.publicKey(), reveal.choice().at(0).choice().fields()));
        Value commit = call("SubtensorModule", "commit_weights", "netuid", NETUID, "commit_hash", Value.of(hash));
        assertThat(on.run(on.validator, commit)).contains("SubtensorModule.CommitRevealDisabled");
        on.run(
                on.alice,
                sudo(call(
                        "AdminUtils",
                        "sudo_set_commit_reveal_weights_enabled",
                        "netuid",
                        NETUID,
                        "enabled",
                        Value.of(true))));
        assertThat(on.run(on.validator, weights(0, new int[] {0}, new int[] {1})))
                .contains("SubtensorModule.CommitRevealEnabled");
        assertThat(on.run(on.validator, reveal)).contains("SubtensorModule.NoWeightsCommitFound");
        for (boolean late : new boolean[] {true, false}) {
            on.chain.advance(21 - (on.chain.openBlock() + 10) % 21); // to the first block of a stretch
            assertThat(on.run(on.validator, commit)).contains("SubtensorModule.WeightsCommitted", SUCCESS);
            assertThat(on.run(on.validator, reveal)).contains("SubtensorModule.RevealTooEarly");
            on.chain.advance(late ? 42 : 21); // a stretch has tempo + 1 blocks
            assertThat(on.run(on.validator, reveal))
                    .contains(late ? "SubtensorModule.ExpiredWeightCommit" : "SubtensorModule.WeightsRevealed");
        }
        assertThat(on.stored("SubtensorModule.Weights", NETUID, Value.of(1)).orElseThrow())
                .isEqualTo(Value.items(Value.numbers(0, 65_535)));
        assertThat(on.stored("SubtensorModule.WeightCommits", NETUID, Value.of(on.validator.publicKey())))
                .isEmpty();
    }

    @Test
    void slotsArePaidForAndTheLeastGivesWay() throws Exception {
        Value max = call("AdminUtils", "sudo_set_max_allowed_uids", "netuid", NETUID, "max_allowed_uids", Value.of(2));
        assertThat(on.run(on.alice, sudo(max))).contains("Sudo.Sudid");
        Keypair fresh = Keypair.fromUri("//Fresh");
        Value register =
                call("SubtensorModule", "burned_register", "netuid", NETUID, "hotkey", Value.of(fresh.publicKey()));
        assertThat(on.run(on.alice, register)).contains("SubtensorModule.NoNeuronIdAvailable");
        on.run(
                on.alice,
                sudo(call("AdminUtils", "sudo_set_immunity_period", "netuid", NETUID, "immunity_period", Value.of(1))));
        long before = on.free(on.alice);
        assertThat(on.run(on.alice, register)).contains("SubtensorModule.NeuronRegistered", SUCCESS);
        long paid = before - on.free(on.alice);
        assertThat(paid).isGreaterThan(100_000_000L).isLessThan(101_000_000L);
        assertThat(on.chain.lookNow(EmbeddedChain::slots).getFirst().hotkey()).isEqualTo(fresh.publicKey());
        assertThat(on.run(on.miner, commitment("x"))).contains("Commitments.AccountNotAllowedCommit");
    }

    @Test
    void aFailedCallUndoesItsWritesAndKeepsItsFee() throws Exception {
        long before = on.free(on.alice);
        Value some = call("Balances", "transfer_keep_alive", "dest", id(on.miner), "value", Value.of(5_000_000_000L));
        Value tooMuch = call("Balances", "transfer_keep_alive", "dest", id(on.miner), "value", Value.of(1L << 60));
        Value batch = call("Utility", "batch_all", "calls", Value.items(some, tooMuch));
        assertThat(on.run(on.alice, batch)).contains("Arithmetic.Underflow");
        assertThat(on.free(on.miner)).isZero();
        assertThat(on.free(on.alice)).isLessThan(before).isGreaterThan(before - 1_000_000);
        Value onward = call("Utility", "force_batch", "calls", Value.items(some, tooMuch));
        assertThat(on.run(on.alice, onward)).contains("Utility.ItemFailed", "Utility.BatchCompletedWithErrors");
        assertThat(on.free(on.miner)).isEqualTo(5_000_000_000L);
        assertThat(on.run(on.miner, sudo(some))).contains("Sudo.RequireSudo");
        Value set = call("System", "kill_storage", "keys", new Value.Items(List.of()));
        assertThat(on.run(on.alice, set)).contains("BadOrigin");
    }

    @Test
    void whatMayNotComeIntoABlockIsRefusedWithThePoolsWords() throws Exception {
        Value call = commitment("x");
        byte[] genesis = on.chain.block(0).orElseThrow().hash();
        byte[] signed = on.sign(on.miner, call);
        on.chain.submit(signed);
        refused(() -> on.chain.submit(signed), 1013, "0x");
        refused(() -> on.chain.submit(on.sign(on.miner, commitment("y"), 0)), 1014, "too low priority");
        on.chain.advance(1);
        refused(() -> on.chain.submit(signed), 1010, "outdated");
        byte[] forged = on.sign(on.miner, call);
        forged[50] ^= 1;
        refused(() -> on.chain.submit(forged), 1010, "bad signature");
        byte[] elsewhere = new byte[32];
        refused(
                () -> on.chain.submit(on.sign(on.miner, call, 1, Era.IMMORTAL, genesis, elsewhere)),
                1010,
                "bad signature");
        assertThat(on.chain.submit(on.sign(on.miner, call, 1, Era.IMMORTAL, genesis, genesis)))
                .isPresent();
        byte[] mortal = on.sign(on.miner, call, 2);
        on.chain.advance(70);
        refused(() -> on.chain.submit(mortal), 1010, "bad signature"); // its era's birth is another block by now
        refused(() -> on.chain.submit(new byte[] {4, 0}), 1002, "signed extrinsic");
        Keypair poor = Keypair.fromUri("//Poor");
        Value transfer = call("Balances", "transfer_keep_alive", "dest", id(on.miner), "value", Value.of(1));
        refused(() -> on.chain.submit(on.sign(poor, transfer)), 1010, "pay some fees");
        refused(() -> on.chain.submit(on.sign(on.miner, axon(0x7f000001L, 8091))), 1010, "Custom error: 11");
        refused(() -> on.chain.submit(on.sign(on.miner, axon(0x08080808L, 0))), 1010, "Custom error: 13");
        assertThat(on.run(on.miner, axon(0x08080808L, 8091))).contains("SubtensorModule.AxonServed");
        refused(() -> on.chain.submit(on.sign(on.miner, axon(0x08080808L, 8091))), 1010, "Custom error: 12");
    }

    @Test
    void anExtrinsicThatIsEarlyWaits() throws Exception {
        assertThat(on.chain.submit(on.sign(on.miner, commitment("second"), 1))).isEmpty();
        assertThat(on.chain.submit(on.sign(on.miner, commitment("first"), 0))).isPresent();
        assertThat(on.chain.submit(on.sign(on.miner, commitment("second"), 1))).isPresent();
        assertThat(on.nonce(on.miner)).isEqualTo(2);
    }

    @Test
    void oldBlocksAreForgottenAndWhatStandsIsKept() throws Exception {
        on.run(on.miner, commitment("kept"));
        Block early = on.chain.best();
        on.chain.advance(EmbeddedChain.HISTORY_BLOCKS + 300);
        assertThat(on.chain.block(early.number())).isEmpty();
        assertThat(on.chain.block(0)).isPresent();
        assertThat(on.<Optional<Commitment>>now(s -> EmbeddedChain.commitment(s, on.miner.publicKey())))
                .map(Commitment::text)
                .contains("kept");
        byte[] genesis = on.chain.block(0).orElseThrow().hash();
        byte[] ancient = on.sign(on.miner, commitment("x"), 1, new Era(65_536, 16), genesis, genesis);
        refused(() -> on.chain.submit(ancient), 1010, "ancient birth block");
        on.now = on.now.plus(Duration.ofDays(300)); // blocks of ten months are passed over, not made
        assertThat(on.chain.best().number()).isEqualTo(on.chain.openBlock() - 1);
        assertThat(on.chain.block(on.chain.best().parent())).isPresent();
        assertThat(on.run(on.miner, commitment("later"))).contains(SUCCESS);
    }

    @Test
    void aReopenedChainGoesOn() throws Exception {
        on.chain.submit(on.sign(on.miner, commitment("one")));
        Block best = on.chain.best();
        try (EmbeddedChain again = EmbeddedChain.open(on.file, () -> on.now)) {
            assertThat(again.best()).usingRecursiveComparison().isEqualTo(best);
            again.advance(1);
            assertThat(again.extrinsics(again.best())).hasSize(2);
        }
        assertThat(on.events(on.chain.best().number())).contains("Commitments.Commitment");
    }

    @Test
    void runtimeApisTellWhatStorageHolds() throws Exception {
        on.run(on.miner, commitment("abc"));
        on.run(on.validator, weights(0, new int[] {0}, new int[] {1}));
        on.chain.advance(20);
        Value neurons = api("NeuronInfoRuntimeApi_get_neurons", NETUID);
        assertThat(neurons.items()).hasSize(2);
        assertThat(neurons.at(0).field("hotkey").bytes()).isEqualTo(on.miner.publicKey());
        assertThat(neurons.at(0).field("incentive").natural()).isEqualTo(65_535);
        assertThat(neurons.at(1).field("validator_permit").truth()).isTrue();
        assertThat(neurons.at(1).field("stake").at(0).at(1).natural()).isEqualTo(1_000_000_000_000L);
        assertThat(neurons.at(1).field("weights").items()).hasSize(1);
        Value metagraph =
                api("SubnetInfoRuntimeApi_get_metagraph", NETUID).optional().orElseThrow();
        assertThat(metagraph.field("tempo").natural()).isEqualTo(20);
        assertThat(metagraph.field("hotkeys").at(1).bytes()).isEqualTo(on.validator.publicKey());
        Value chosen = api("SubnetInfoRuntimeApi_get_selective_metagraph", NETUID, Value.numbers(0, 52))
                .optional()
                .orElseThrow();
        assertThat(chosen.field("netuid").natural()).isEqualTo(9);
        assertThat(chosen.field("hotkeys").optional().orElseThrow().items()).hasSize(2);
        assertThat(chosen.field("coldkeys").optional()).isEmpty();
        assertThat(api("SubnetInfoRuntimeApi_get_metagraph", Value.of(3)).optional())
                .isEmpty();
        assertThat(api("NeuronInfoRuntimeApi_get_neuron_lite", NETUID, Value.of(5))
                        .optional())
                .isEmpty();
        assertThat(api("Core_version").field("spec_version").natural()).isEqualTo(393);
    }

    private Value api(String name, Value... arguments) throws Exception {
        var metadata = Runtime.embedded().metadata();
        var method = metadata.method(name).orElseThrow();
        var bytes = new ScaleWriter();
        for (int i = 0; i < arguments.length; i++) {
            metadata.types().write(method.inputs().get(i).type(), arguments[i], bytes);
        }
        byte[] answer = on.chain.lookNow(RuntimeApis.call(name, bytes.toBytes()).orElseThrow());
        return metadata.types().read(method.output(), name, answer);
    }

    private static Value id(Keypair who) {
        return Value.choice("Id", Value.of(who.publicKey()));
    }

    private static Value axon(long ip, int port) {
        return call(
                "SubtensorModule",
                "serve_axon",
                "netuid",
                NETUID,
                "version",
                Value.of(1),
                "ip",
                Value.of(ip),
                "port",
                Value.of(port),
                "ip_type",
                Value.of(4),
                "protocol",
                Value.of(4),
                "placeholder1",
                Value.of(0),
                "placeholder2",
                Value.of(0));
    }

    private static void refused(ThrowingCallable submission, int code, String data) {
        assertThatThrownBy(submission).isInstanceOfSatisfying(InvalidExtrinsicException.class, e -> {
            assertThat(e.code()).isEqualTo(code);
            assertThat(e.data()).contains(data);
        });
    }
}
