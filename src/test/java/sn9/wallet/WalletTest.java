package sn9.wallet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;

class WalletTest {
    private static final PasswordSource NOBODY = file -> {
        throw new AssertionError("a password is asked for " + file);
    };

    @TempDir
    private Path folder;

    private Wallet wallet;

    @BeforeEach
    void open() {
        wallet = Wallet.open(folder.resolve("wallets"), "alice", "default");
    }

    @Test
    void writesBtclisLayoutForItsOwnerOnly() throws Exception {
        try (var key = alice()) {
            wallet.writeColdkey(key, null, false);
            wallet.writeHotkey(key, null, false);
        }
        try (Stream<Path> files = Files.walk(wallet.directory())) {
            assertThat(files.map(file -> wallet.directory().relativize(file) + " " + mode(file)))
                    .containsExactlyInAnyOrder(
                            " rwx------",
                            "coldkey rw-------",
                            "coldkeypub.txt rw-------",
                            "hotkeys rwx------",
                            "hotkeys/default rw-------",
                            "hotkeys/defaultpub.txt rw-------");
        }
        assertThat(wallet.coldkeyAddress()).contains(alice().keypair().address());
        assertThat(wallet.hotkeyAddress()).isEqualTo(wallet.coldkeyAddress());
        try (var read = wallet.coldkey(NOBODY);
                var hotkey = wallet.hotkey(NOBODY)) {
            assertThat(read.address()).isEqualTo(alice().keypair().address());
            assertThat(hotkey.address()).isEqualTo(read.address());
        }
        assertThat(Wallet.names(folder.resolve("wallets"))).containsExactly("alice");
        assertThat(wallet.hotkeyNames()).containsExactly("default");
    }

    @Test
    void opensTheColdkeyThatLibsodiumEncrypted() throws Exception {
        Files.createDirectories(wallet.directory());
        Files.write(
                wallet.coldkeyFile(),
                KeyVectors.hex(KeyVectors.of("keyfileNacl").get("fileHex").asText()));
        assertThat(wallet.coldkeyAddress()).isEmpty();
        char[] given = GoldenKeyfile.PASSWORD.toCharArray();
        try (var key = wallet.coldkey(file -> given)) {
            assertThat(key.address()).isEqualTo(GoldenKeyfile.ADDRESS);
        }
        assertThat(given).containsOnly('\0');
    }

    @Test
    void encryptsTheColdkeyAsLibsodiumDoes() throws Exception {
        try (var key = alice()) {
            wallet.writeColdkey(key, GoldenKeyfile.PASSWORD.toCharArray(), false);
        }
        assertThat(Wallet.encryption(wallet.coldkeyFile())).contains(KeyfileEncryption.NACL);
        assertThat(wallet.coldkeyAddress()).contains(alice().keypair().address());
        byte[] file = Files.readAllBytes(wallet.coldkeyFile());
        byte[] key =
                KeyVectors.hex(KeyVectors.of("keyfileNacl").get("derivedKey").asText());
        byte[] content =
                SecretBox.open(key, Arrays.copyOfRange(file, 5, 29), Arrays.copyOfRange(file, 29, file.length));
        assertThat(content).isEqualTo(alice().keyfile());
    }

    @Test
    @Tag("slow") // three derivations of a key from a password
    void anEncryptedHotkeyOpensWithItsPasswordOnly() throws Exception {
        try (var key = alice()) {
            wallet.writeHotkey(key, "pass word \u00e4".toCharArray(), false);
        }
        try (var key = wallet.hotkey(file -> "pass word \u00e4".toCharArray())) {
            assertThat(key.address()).isEqualTo(alice().keypair().address());
        }
        assertThatThrownBy(() -> wallet.hotkey(file -> "pass word a".toCharArray()))
                .isInstanceOf(WrongPasswordException.class)
                .hasMessageContaining(wallet.hotkeyFile().toString());
    }

    @Test
    void replacesAKeyOnRequestOnly() throws Exception {
        try (var key = alice();
                var other = KeyMaterial.of(Keypair.fromUri("//Bob"))) {
            wallet.writeColdkey(key, null, false);
            byte[] before = Files.readAllBytes(wallet.coldkeyFile());
            assertThatThrownBy(() -> wallet.writeColdkey(other, null, false))
                    .isInstanceOf(FileAlreadyExistsException.class);
            assertThat(wallet.coldkeyFile()).hasBinaryContent(before);
            wallet.writeColdkey(other, null, true);
            assertThat(wallet.coldkeyAddress()).contains(other.keypair().address());
            assertThat(names(wallet.directory())).containsExactly("coldkey", "coldkeypub.txt");
        }
    }

    @Test
    void whatAnotherProcessWroteMeanwhileStays() throws Exception {
        Path file = folder.resolve("key");
        PrivateFiles.write(file, new byte[] {1}, false);
        assertThatThrownBy(() -> PrivateFiles.write(file, new byte[] {2}, false))
                .isInstanceOf(FileAlreadyExistsException.class);
        assertThat(file).hasBinaryContent(new byte[] {1});
        assertThat(names(folder)).containsExactly("key");
    }

    @Test
    void aPublicFileOfTheSameKeyIsNoObstacleOneOfAnotherIs() throws Exception {
        try (var key = alice();
                var other = KeyMaterial.of(Keypair.fromUri("//Bob"))) {
            wallet.writeColdkeypub(key.keypair().publicKey(), false);
            assertThat(wallet.coldkeyAddress()).contains(key.keypair().address());
            assertThatThrownBy(() -> wallet.writeColdkey(other, null, false))
                    .isInstanceOf(FileAlreadyExistsException.class);
            assertThat(wallet.coldkeyFile()).doesNotExist();
            wallet.writeColdkey(key, null, false);
            assertThat(wallet.coldkeyFile()).exists();
        }
    }

    @Test
    void aKeyThatIsNotThePublishedOneIsRefused() throws Exception {
        try (var key = alice()) {
            wallet.writeHotkey(key, null, false);
        }
        Files.write(
                wallet.hotkeypubFile(),
                KeyfileWriter.publicFile(Keypair.fromUri("//Bob").publicKey()));
        assertThatThrownBy(() -> wallet.hotkey(NOBODY))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("its key is 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY")
                .hasMessageContaining("defaultpub.txt says 5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty");
    }

    @Test
    void saysHowToGetAMissingKeyAndBoundsALargeFile() throws Exception {
        assertThat(wallet.coldkeyAddress()).isEmpty();
        assertThat(wallet.hotkeyNames()).isEmpty();
        assertThatThrownBy(() -> wallet.coldkey(NOBODY))
                .isInstanceOf(FileNotFoundException.class)
                .hasMessageContaining("'sn9 wallet new' makes one");
        Files.createDirectories(wallet.directory());
        Files.write(wallet.coldkeyFile(), new byte[65537]);
        assertThatThrownBy(() -> wallet.coldkey(NOBODY)).hasMessageContaining("at most 65536 bytes, found 65537");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", ".", "..", ".hidden", "a/b", "/root", "../x"})
    void namesStayInTheirFolder(String name) {
        assertThatThrownBy(() -> Wallet.open(folder, name, "default")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Wallet.open(folder, "default", name)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void leavesNothingHalfWritten() throws Exception {
        Files.createDirectories(wallet.coldkeyFile()); // a folder in the file's place
        try (var key = alice()) {
            assertThatThrownBy(() -> wallet.writeColdkey(key, null, true)).isInstanceOf(IOException.class);
        }
        assertThat(names(wallet.directory())).containsExactly("coldkey");
    }

    private static KeyMaterial alice() {
        return KeyMaterial.of(Keypair.fromUri("//Alice"));
    }

    private static List<String> names(Path directory) throws Exception {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static String mode(Path file) {
        try {
            return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
