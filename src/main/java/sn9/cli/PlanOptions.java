package sn9.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;
import sn9.engine.Card;

/** {@code bench --plan}: what to plan for. */
final class PlanOptions {
    @Option(
            names = "--plan",
            description = "Run nothing: print the GPU memory that a shape needs, and the largest batch that fits.")
    private boolean plan;

    @Option(
            names = "--card",
            paramLabel = "NAME",
            defaultValue = "h100",
            converter = CardName.class,
            description = "With --plan: h100 (80 GB), a100 (80 GB) or 4090. Default: ${DEFAULT-VALUE}")
    private Card card;

    @Option(
            names = "--memory",
            paramLabel = "GIB",
            description = "With --plan: another amount of memory than the card's, in GiB.")
    private Double gibibytes;

    private static final class CardName implements ITypeConverter<Card> {
        @Override
        public Card convert(String name) {
            try {
                return Card.of(name);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    boolean plan() {
        return plan;
    }

    /** The card. */
    Card card() {
        return card;
    }

    /** Its memory in bytes, or that of {@code --memory}. */
    long memoryBytes() {
        return gibibytes == null ? card.memoryBytes() : (long) (gibibytes * (1L << 30));
    }
}
