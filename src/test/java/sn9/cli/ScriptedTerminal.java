package sn9.cli;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** A person who types the same every time, or a standard input with some lines. */
final class ScriptedTerminal implements Terminal {
    private final boolean interactive;
    private final Deque<String> answers;
    private final List<String> questions = new ArrayList<>();

    ScriptedTerminal(boolean interactive, String... answers) {
        this.interactive = interactive;
        this.answers = new ArrayDeque<>(List.of(answers));
    }

    /** What was asked, in order. */
    List<String> questions() {
        return questions;
    }

    @Override
    public boolean isInteractive() {
        return interactive;
    }

    @Override
    public char[] secret(String question) {
        questions.add(question);
        String answer = answers.poll();
        return answer == null ? new char[0] : answer.toCharArray();
    }
}
