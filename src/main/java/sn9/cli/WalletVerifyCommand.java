package sn9.cli;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sn9.wallet.Sr25519;
import sn9.wallet.Ss58;

/** {@code wallet verify}: whether somebody holds a key. */
@Command(
        name = "verify",
        description = "Verify a signature over a message, or over <Bytes>message</Bytes> as browser extensions sign it."
                + " Exits with 1 when it is not the signer's.")
final class WalletVerifyCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--message", paramLabel = "TEXT", required = true, description = "What was signed.")
    private String message;

    @Option(
            names = "--signature",
            paramLabel = "HEX",
            required = true,
            description = "The signature: 128 hexadecimal digits, with or without 0x.")
    private String signature;

    @Option(
            names = "--address",
            paramLabel = "ADDRESS",
            required = true,
            description = "The signer's SS58 address, or 0x and the public key's 64 digits.")
    private String address;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() {
        byte[] publicKey = Usage.checked(
                spec, () -> address.startsWith("0x") ? hex("--address", address, 32) : Ss58.decode(address));
        byte[] bytes = Usage.checked(spec, () -> hex("--signature", signature, Sr25519.SIGNATURE_BYTES));
        boolean verified = Sr25519.verifyPlainOrWrapped(publicKey, message.getBytes(StandardCharsets.UTF_8), bytes);
        var answer = new LinkedHashMap<String, Object>();
        answer.put("verified", verified);
        answer.put("signer", Ss58.encode(publicKey));
        answer.put("message", message);
        var output = Output.of(spec, json);
        output.text(verified ? "the signature is the signer's" : "the signature is NOT the signer's over this message");
        output.json(answer);
        return verified ? ExitCode.DONE : ExitCode.FAILED;
    }

    private static byte[] hex(String flag, String text, int bytes) {
        String digits = text.startsWith("0x") ? text.substring(2) : text;
        if (digits.length() != 2 * bytes || !digits.chars().allMatch(HexFormat::isHexDigit)) {
            throw new IllegalArgumentException(
                    flag + " is not " + 2 * bytes + " hexadecimal digits, found " + digits.length() + " characters");
        }
        return HexFormat.of().parseHex(digits);
    }
}
