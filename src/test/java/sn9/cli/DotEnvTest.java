package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.MalformedDataException;

class DotEnvTest {
    @Test
    void readsWhatPythonDotenvReads() throws Exception {
        var variables = DotEnv.parse(".env", """
                # a comment
                PLAIN=value
                  export EXPORTED = spaced value   # comment
                HASH=a#b
                EMPTY=
                ONLY_COMMENT= # nothing
                SINGLE='it\\'s # here \\n'
                DOUBLE="two\\nlines \\"quoted\\" \\\\" # comment
                MULTI="first
                second"
                BARE
                export_me=1
                PLAIN=again
                """);
        assertThat(variables)
                .containsOnly(
                        entry("PLAIN", "again"),
                        entry("EXPORTED", "spaced value"),
                        entry("HASH", "a#b"),
                        entry("EMPTY", ""),
                        entry("ONLY_COMMENT", ""),
                        entry("SINGLE", "it's # here \\n"),
                        entry("DOUBLE", "two\nlines \"quoted\" \\"),
                        entry("MULTI", "first\nsecond"),
                        entry("export_me", "1"));
    }

    @Test
    void readsWindowsLineEnds() throws Exception {
        assertThat(DotEnv.parse(".env", "A=1\r\nB=2\r\n")).containsOnly(entry("A", "1"), entry("B", "2"));
    }

    @Test
    void namesTheLineButNotTheValueOfAMistake() {
        assertThatThrownBy(() -> DotEnv.parse(".env", "A=1\nHF_ACCESS_TOKEN=\"hf_verysecret\n"))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining(".env line 3: the quote of HF_ACCESS_TOKEN is never closed")
                .hasMessageNotContaining("verysecret");
        assertThatThrownBy(() -> DotEnv.parse(".env", "A=1\nB ; 2\n")).hasMessageContaining("line 2: expected '='");
    }

    @Test
    void processWinsOverFileAndBlankIsUnset(@TempDir Path dir) throws Exception {
        var file = Files.writeString(dir.resolve(".env"), "A=file\nB=file\n");
        var environment = Environment.load(Map.of("A", "process", "C", " "), file);
        assertThat(environment.get("A")).contains("process");
        assertThat(environment.get("B")).contains("file");
        assertThat(environment.get("C")).isEmpty();
    }

    @Property(tries = 500, seed = "9")
    void anyTextIsReadOrRefused(@ForAll String text) {
        try {
            DotEnv.parse("fuzz", text).forEach((key, value) -> assertThat(key).matches("[A-Za-z_][A-Za-z0-9_.]*"));
        } catch (MalformedDataException e) {
            assertThat(e).hasMessageStartingWith("fuzz line ");
        }
    }
}
