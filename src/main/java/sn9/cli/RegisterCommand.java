package sn9.cli;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sn9.chain.ChainClient;
import sn9.chain.ChainException;
import sn9.chain.Registration;
import sn9.chain.RpcSettings;
import sn9.localnet.LocalIdentity;
import sn9.localnet.chain.EmbeddedChain;
import sn9.wallet.Ss58;

/** {@code register}: a slot on the subnet for a hotkey. */
@Command(
        name = "register",
        description = "Give a hotkey a slot on the subnet: on a chain for TAO of the coldkey, on a local network for"
                + " nothing. One that has a slot keeps it, and its stake.")
final class RegisterCommand implements Callable<Integer> {
    /** TAO has this many decimals. */
    private static final int RAO_DIGITS = 9;

    /** How long the registration is followed. */
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    @Spec
    private CommandSpec spec;

    @Mixin
    private LocalnetOption localnet;

    @Mixin
    private SubtensorOptions subtensor;

    @Mixin
    private WalletOptions wallet;

    @Option(
            names = "--stake",
            paramLabel = "TAO",
            defaultValue = "0",
            description = "Stake of a new slot of a local network; above 0 it may set weights."
                    + " Default: ${DEFAULT-VALUE}")
    private double stake;

    @Option(
            names = "--max_burn",
            paramLabel = "TAO",
            description = "Most that a slot of a chain may cost; without it the price is shown and nothing is paid.")
    private Double maxBurn;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (!(stake >= 0) || Double.isInfinite(stake)) {
            throw Usage.error(spec, "--stake is " + stake + ", expected a finite number, 0 or more");
        }
        return localnet.directory().isPresent()
                ? onLocalNetwork(localnet.directory().get())
                : onChain();
    }

    private int onLocalNetwork(Path directory) throws IOException {
        var who = Usage.checked(spec, () -> LocalIdentity.of(wallet.name(), wallet.hotkey()));
        byte[] key = Ss58.decode(who.hotkey());
        try (var chain = EmbeddedChain.open(EmbeddedChain.file(directory), InstantSource.system())) {
            int uid = chain.register(key, Ss58.decode(who.coldkey()), stake);
            chain.advance(1);
            var its = new BigDecimal(BigInteger.valueOf(chain.stake(key)), RAO_DIGITS);
            return registered(uid, who.hotkey(), who.coldkey(), its.doubleValue());
        }
    }

    private int onChain() throws IOException, InterruptedException {
        var keys = wallet.wallet(spec);
        String hotkey = address(keys.hotkeyAddress(), keys.hotkeypubFile());
        String coldkey = address(keys.coldkeyAddress(), keys.coldkeypubFile());
        try (var chain = new ChainClient(subtensor.endpoints(spec), subtensor.genesis(spec), RpcSettings.standard())) {
            var registration = new Registration(chain, PATIENCE);
            var present = registration.uid(subtensor.netuid(), hotkey);
            if (present.isPresent()) {
                return registered(present.getAsInt(), hotkey, coldkey, null);
            }
            var price = registration.price(subtensor.netuid(), coldkey);
            var burn = new BigDecimal(price.burn(), RAO_DIGITS);
            Output.of(spec, json)
                    .text("a slot of subnet " + subtensor.netuid() + " costs " + burn + " TAO, coldkey " + coldkey
                            + " has " + new BigDecimal(price.balance(), RAO_DIGITS).toPlainString());
            if (maxBurn == null || burn.compareTo(BigDecimal.valueOf(maxBurn)) > 0) {
                throw new ChainException("not registered: --max_burn " + burn + " or more pays that price", false);
            }
            try (var payer = keys.coldkey(KeyPasswords.of(spec, keys))) {
                return registered(registration.register(subtensor.netuid(), payer, hotkey), hotkey, coldkey, null);
            }
        }
    }

    private static String address(Optional<String> address, Path file) throws FileNotFoundException {
        return address.orElseThrow(() -> new FileNotFoundException(
                "no key tells its address: " + file + " is missing; 'sn9 wallet new' makes one"));
    }

    /** Stake is told by the local network only. */
    private int registered(int uid, String hotkey, String coldkey, Double itsStake) {
        var answer = new LinkedHashMap<String, Object>();
        answer.put("uid", uid);
        answer.put("hotkey", hotkey);
        answer.put("coldkey", coldkey);
        if (itsStake != null) {
            answer.put("stake", itsStake);
        }
        var output = Output.of(spec, json);
        output.text("uid " + uid + ": hotkey " + hotkey + (itsStake == null ? "" : ", stake " + itsStake));
        output.json(answer);
        return ExitCode.DONE;
    }
}
