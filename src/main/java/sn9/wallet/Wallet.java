package sn9.wallet;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;
import sn9.MalformedDataException;

/**
 * A wallet's folder as btcli lays it out (opentensor/btwallet:src/wallet.rs): {@code coldkey}, {@code coldkeypub.txt},
 * {@code hotkeys/NAME} and {@code hotkeys/NAMEpub.txt}. Opening one reads nothing; every call reads the files anew.
 */
public final class Wallet {
    private static final String PUBLIC_SUFFIX = "pub.txt";

    private final Path directory;
    private final String name;
    private final String hotkeyName;

    private Wallet(Path directory, String name, String hotkeyName) {
        this.directory = directory;
        this.name = name;
        this.hotkeyName = hotkeyName;
    }

    /**
     * The wallet of that name with one of its hotkeys, whether it is there or not.
     *
     * @param folder the folder of all wallets
     * @throws IllegalArgumentException when a name is empty or would leave its folder
     */
    public static Wallet open(Path folder, String name, String hotkeyName) {
        requireFileName("wallet", name);
        requireFileName("hotkey", hotkeyName);
        return new Wallet(folder.resolve(name), name, hotkeyName);
    }

    /** The names of the wallets in a folder, sorted; none when it is not there. */
    public static List<String> names(Path folder) throws IOException {
        return list(folder, Files::isDirectory);
    }

    /** The wallet's name. */
    public String name() {
        return name;
    }

    /** The hotkey's name. */
    public String hotkeyName() {
        return hotkeyName;
    }

    /** The wallet's own folder. */
    public Path directory() {
        return directory;
    }

    /** The names of the wallet's hotkeys, sorted, those included of which only the public file is here. */
    public List<String> hotkeyNames() throws IOException {
        return list(directory.resolve("hotkeys"), Files::isRegularFile).stream()
                .map(file ->
                        file.endsWith(PUBLIC_SUFFIX) ? file.substring(0, file.length() - PUBLIC_SUFFIX.length()) : file)
                .filter(hotkey -> !hotkey.isEmpty())
                .distinct()
                .sorted()
                .toList();
    }

    /** The keyfile of the coldkey. */
    public Path coldkeyFile() {
        return directory.resolve("coldkey");
    }

    /** The public file of the coldkey. */
    public Path coldkeypubFile() {
        return directory.resolve("coldkey" + PUBLIC_SUFFIX);
    }

    /** The keyfile of the hotkey. */
    public Path hotkeyFile() {
        return directory.resolve("hotkeys").resolve(hotkeyName);
    }

    /** The public file of the hotkey. */
    public Path hotkeypubFile() {
        return directory.resolve("hotkeys").resolve(hotkeyName + PUBLIC_SUFFIX);
    }

    /** The coldkey's address without a password, if a file tells it. */
    public Optional<String> coldkeyAddress() throws IOException {
        return address(coldkeypubFile(), coldkeyFile());
    }

    /** The hotkey's address without a password, if a file tells it. */
    public Optional<String> hotkeyAddress() throws IOException {
        return address(hotkeypubFile(), hotkeyFile());
    }

    /** How a keyfile of this wallet is encrypted; empty when it is not there. */
    public static Optional<KeyfileEncryption> encryption(Path keyfile) throws IOException {
        if (!Files.isRegularFile(keyfile)) {
            return Optional.empty();
        }
        byte[] file = PrivateFiles.read(keyfile);
        try {
            return Optional.of(KeyfileEncryption.of(file));
        } finally {
            Arrays.fill(file, (byte) 0);
        }
    }

    /**
     * The coldkey, which the caller closes. Decrypting takes seconds.
     *
     * @param passwords is asked when the file is encrypted
     * @throws WrongPasswordException when it does not open
     * @throws MalformedDataException when it is no keyfile, or of another address than it or its public file says
     */
    public Keypair coldkey(PasswordSource passwords) throws IOException {
        return keypair(coldkeyFile(), coldkeypubFile(), passwords);
    }

    /** As {@link #coldkey}, of the hotkey. */
    public Keypair hotkey(PasswordSource passwords) throws IOException {
        return keypair(hotkeyFile(), hotkeypubFile(), passwords);
    }

    /**
     * Writes the coldkey and its public file.
     *
     * @param password encrypts the keyfile; null leaves it plain
     * @throws FileAlreadyExistsException when {@code overwrite} is false and the keyfile is there, or a public file of
     *     another key; nothing is written then
     */
    public void writeColdkey(KeyMaterial key, char[] password, boolean overwrite) throws IOException {
        write(coldkeyFile(), coldkeypubFile(), key, password, overwrite);
    }

    /** As {@link #writeColdkey}, of the hotkey. */
    public void writeHotkey(KeyMaterial key, char[] password, boolean overwrite) throws IOException {
        write(hotkeyFile(), hotkeypubFile(), key, password, overwrite);
    }

    /** Writes a coldkey's public file alone: all that a machine needs that never spends. */
    public void writeColdkeypub(byte[] publicKey, boolean overwrite) throws IOException {
        PrivateFiles.write(coldkeypubFile(), KeyfileWriter.publicFile(publicKey), overwrite);
    }

    private static void write(Path keyfile, Path publicFile, KeyMaterial key, char[] password, boolean overwrite)
            throws IOException {
        String address = key.keypair().address();
        if (!overwrite && Files.exists(keyfile)) {
            throw new FileAlreadyExistsException(keyfile.toString());
        }
        boolean isPublished = !overwrite && Files.exists(publicFile);
        if (isPublished && !publicAddress(publicFile).equals(address)) {
            throw new FileAlreadyExistsException(publicFile.toString());
        }
        byte[] content = key.keyfile();
        try {
            byte[] file = password == null ? content : KeyfileEncryption.encrypt(content, password);
            PrivateFiles.write(keyfile, file, overwrite);
        } finally {
            Arrays.fill(content, (byte) 0);
        }
        if (!isPublished) {
            PrivateFiles.write(
                    publicFile, KeyfileWriter.publicFile(key.keypair().publicKey()), overwrite);
        }
    }

    private static Keypair keypair(Path keyfile, Path publicFile, PasswordSource passwords) throws IOException {
        byte[] content = content(keyfile, passwords);
        Keypair key;
        try (var reader = new KeyfileReader(keyfile.toString(), content)) {
            key = reader.keypair();
        } finally {
            Arrays.fill(content, (byte) 0);
        }
        if (Files.isRegularFile(publicFile)) {
            String expected = publicAddress(publicFile);
            if (!expected.equals(key.address())) {
                key.close();
                throw new MalformedDataException(
                        keyfile.toString(),
                        -1,
                        "its key is " + key.address() + ", " + publicFile + " says " + expected);
            }
        }
        return key;
    }

    /** What a keyfile says once it is decrypted. */
    private static byte[] content(Path keyfile, PasswordSource passwords) throws IOException {
        byte[] file;
        try {
            file = PrivateFiles.read(keyfile);
        } catch (NoSuchFileException e) {
            throw new FileNotFoundException("no keyfile " + keyfile + ": 'sn9 wallet new' makes one, 'sn9 wallet regen'"
                    + " brings one back from its mnemonic");
        }
        var encryption = KeyfileEncryption.of(file);
        if (encryption == KeyfileEncryption.NONE) {
            PrivateFiles.warnWhenOthersCanRead(keyfile);
            return file;
        }
        char[] password = passwords.password(keyfile);
        try {
            return encryption.decrypt(keyfile.toString(), file, password);
        } finally {
            Arrays.fill(password, '\0');
        }
    }

    /** From the public file, or else from a plain keyfile. */
    private static Optional<String> address(Path publicFile, Path keyfile) throws IOException {
        if (Files.isRegularFile(publicFile)) {
            return Optional.of(publicAddress(publicFile));
        }
        if (encryption(keyfile).filter(e -> e == KeyfileEncryption.NONE).isEmpty()) {
            return Optional.empty();
        }
        byte[] content = PrivateFiles.read(keyfile);
        try (var reader = new KeyfileReader(keyfile.toString(), content);
                var key = reader.keypair()) {
            return Optional.of(key.address());
        } finally {
            Arrays.fill(content, (byte) 0);
        }
    }

    private static String publicAddress(Path publicFile) throws IOException {
        try (var reader = new KeyfileReader(publicFile.toString(), PrivateFiles.read(publicFile))) {
            return reader.address();
        }
    }

    private static List<String> list(Path folder, Predicate<Path> wanted) throws IOException {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(wanted)
                    .map(entry -> entry.getFileName().toString())
                    .filter(entry -> !entry.startsWith(".") && !entry.isBlank())
                    .sorted()
                    .toList();
        }
    }

    private static void requireFileName(String kind, String name) {
        if (name.isBlank() || name.startsWith(".") || name.contains("/") || name.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(
                    "a " + kind + "'s name is a file name that does not begin with a dot, found '" + name + "'");
        }
    }
}
