package sn9.wallet;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import sn9.MalformedDataException;

/** How a keyfile is encrypted, told by its first bytes. */
public enum KeyfileEncryption {
    /** Plain JSON, or text that old wallets wrote. */
    NONE(""),
    /** What btcli writes today. */
    NACL(NaclKeyfile.MAGIC),
    /** What Python wallets wrote; read only. */
    ANSIBLE_VAULT(AnsibleVault.MAGIC),
    /** What the first Python wallets wrote; read only. */
    FERNET(FernetKeyfile.MAGIC);

    private final byte[] magic;

    KeyfileEncryption(String magic) {
        this.magic = magic.getBytes(StandardCharsets.US_ASCII);
    }

    /** The encryption of a file. */
    static KeyfileEncryption of(byte[] file) {
        for (var encryption : values()) {
            if (encryption != NONE && startsWith(file, encryption.magic)) {
                return encryption;
            }
        }
        return NONE;
    }

    /** Encrypts a keyfile's content as btcli does. Takes seconds and half a gibibyte. */
    static byte[] encrypt(byte[] content, char[] password) {
        byte[] utf8 = utf8(password);
        try {
            return NaclKeyfile.encrypt(content, utf8);
        } finally {
            Arrays.fill(utf8, (byte) 0);
        }
    }

    /** The content of a file that is encrypted this way; the caller wipes it. */
    byte[] decrypt(String source, byte[] file, char[] password) throws MalformedDataException, WrongPasswordException {
        byte[] utf8 = utf8(password);
        try {
            return switch (this) {
                case NONE -> throw new IllegalStateException(source + " is not encrypted");
                case NACL -> NaclKeyfile.decrypt(source, file, utf8);
                case ANSIBLE_VAULT -> AnsibleVault.decrypt(source, file, utf8);
                case FERNET -> FernetKeyfile.decrypt(source, file, utf8);
            };
        } finally {
            Arrays.fill(utf8, (byte) 0);
        }
    }

    private static boolean startsWith(byte[] file, byte[] magic) {
        return file.length >= magic.length && Arrays.equals(file, 0, magic.length, magic, 0, magic.length);
    }

    private static byte[] utf8(char[] text) {
        ByteBuffer encoded = StandardCharsets.UTF_8.encode(CharBuffer.wrap(text));
        byte[] bytes = Arrays.copyOf(encoded.array(), encoded.remaining());
        Arrays.fill(encoded.array(), (byte) 0);
        return bytes;
    }
}
