package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import picocli.CommandLine.Help.Ansi;

class PlainTest {
    private static final String HOSTILE = "a\u001b[2J\r\u009bb\u202ec\td\ne é";

    @Test
    void onlyLineEndsAndTabsOfLinesStay() {
        assertThat(Plain.line(HOSTILE)).isEqualTo("a?[2J??b?c?d?e é");
        assertThat(Plain.lines(HOSTILE)).isEqualTo("a?[2J??b\u202ec\td\ne é");
    }

    @Test
    void failuresAndTablesShowStrangersTextAsPlain() {
        assertThat(Failures.describe(new IllegalStateException("the node says: a\u001b[2J\nb\u009b")))
                .isEqualTo("the node says: a?[2J | b?");
        assertThat(Failures.describe(new java.nio.file.NoSuchFileException("x\u001b[1m")))
                .isEqualTo("no such file or folder: x?[1m");
        assertThat(new Table("T", "who").row("a\u001b\u009b\n").render(Ansi.OFF))
                .endsWith("a???");
    }
}
