package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import picocli.CommandLine.Help.Ansi;

class TableTest {
    private final Table table = new Table("Scores", "uid", "who", "loss")
            .row(3, "alice", "4.1837")
            .row(12, "bob", "10.9")
            .row(7, null, null);

    @Test
    void alignsNumbersRightAndTextLeft() {
        assertThat(table.render(Ansi.OFF).lines())
                .containsExactly(
                        "Scores",
                        "uid  who      loss",
                        "  3  alice  4.1837",
                        " 12  bob      10.9",
                        "  7  -           -");
    }

    @Test
    void boldOnlyOnATerminal() {
        assertThat(table.render(Ansi.ON)).startsWith("\u001b[1mScores");
        assertThat(table.render(Ansi.OFF)).doesNotContain("\u001b");
    }

    @Test
    void refusesARowOfAnotherWidth() {
        assertThatThrownBy(() -> table.row("one")).hasMessageContaining("has 1 cells, expected 3");
    }
}
