package sn9;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Who may import whom. A room imports what its line names, the root package, and nothing else of ours.
 */
class ArchitectureTest {
    private static final Path SOURCES = Path.of("src/main/java");

    /** Rooms without walls: may import every other one. */
    private static final String EVERYTHING = "*";

    /**
     * {@code tensor} stands beside {@code checkpoint} and {@code engine} wherever these do: their signatures speak of
     * element types and views.
     */
    private static final Map<String, String> MAY_IMPORT = Map.ofEntries(
            Map.entry("tensor", ""),
            Map.entry("tokenizer", ""),
            Map.entry("files", ""),
            Map.entry("wallet", "files"),
            Map.entry("http", ""),
            Map.entry("subnet", ""),
            Map.entry("metrics", ""),
            Map.entry("engine", "tensor"),
            Map.entry("model", "engine tensor"),
            Map.entry("checkpoint", "model tensor files"),
            Map.entry("data", "tokenizer http"),
            Map.entry("train", "model engine data checkpoint metrics tensor"),
            Map.entry("eval", "model engine data checkpoint metrics tensor"),
            Map.entry("hub", "http subnet metrics files"),
            Map.entry("wandb", "http subnet metrics"),
            Map.entry("chain", "wallet subnet http files"),
            Map.entry("miner", "train eval data checkpoint model engine subnet metrics tensor files"),
            Map.entry("validator", "train eval data checkpoint model engine subnet metrics tensor files"),
            Map.entry("localnet", "subnet wallet chain.scale http data files"),
            Map.entry("dashboard", "metrics"),
            Map.entry("cli", EVERYTHING));

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("sn9");

    static Stream<String> rooms() {
        return MAY_IMPORT.keySet().stream().sorted();
    }

    @ParameterizedTest
    @MethodSource("rooms")
    void importsOnlyWhatTheTableNames(String room) {
        String allowed = MAY_IMPORT.get(room);
        if (allowed.equals(EVERYTHING)) {
            return;
        }
        String[] packages = Stream.concat(
                        Stream.of("sn9", packages(room)), words(allowed).map(ArchitectureTest::packages))
                .toArray(String[]::new);
        noClasses()
                .that()
                .resideInAPackage(packages(room))
                .should()
                .dependOnClassesThat(resideInAnyPackage("sn9..").and(resideOutsideOfPackages(packages)))
                .because(room + " may import the root package" + (allowed.isEmpty() ? " only" : " and " + allowed))
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    @Test
    void theRootPackageImportsNoRoom() {
        noClasses()
                .that()
                .resideInAPackage("sn9")
                .should()
                .dependOnClassesThat(resideInAnyPackage("sn9..").and(resideOutsideOfPackages("sn9")))
                .check(CLASSES);
    }

    @Test
    void everyPackageIsInTheTableAndSaysWhatItIs() throws IOException {
        var rooms = packagesWithSources();
        assertThat(rooms).contains("sn9", "sn9.cli", "sn9.subnet");
        for (String name : rooms) {
            assertThat(SOURCES.resolve(name.replace('.', '/')).resolve("package-info.java"))
                    .as("package %s has a package-info.java", name)
                    .isRegularFile();
            if (!name.equals("sn9")) {
                assertThat(MAY_IMPORT)
                        .as("package %s has a line in the table", name)
                        .containsKey(name.split("\\.")[1]);
            }
        }
    }

    @Test
    void noCycles() {
        slices().matching("sn9.(*)..").should().beFreeOfCycles().check(CLASSES);
    }

    /** The rules see neurons through the ports of {@code subnet}; what is behind these, only the command line knows. */
    @Test
    void neuronsKnowPortsOnly() {
        noClasses()
                .that()
                .resideInAnyPackage("sn9.miner..", "sn9.validator..")
                .should()
                .dependOnClassesThat(resideInAnyPackage(
                        "sn9.localnet..", "sn9.hub..", "sn9.wandb..", "sn9.chain..", "okhttp3..", "jcuda.."))
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    @Test
    void onlyTheEngineBindsNativeCode() {
        classes()
                .that(dependOn("java.lang.foreign.Linker", "java.lang.foreign.SymbolLookup"))
                .should()
                .resideInAPackage("sn9.engine..")
                .check(CLASSES);
    }

    @Test
    void eachLibraryStaysInItsRooms() {
        onlyIn("picocli..", "sn9.cli..");
        onlyIn("me.tongfei.progressbar..", "sn9.cli..");
        onlyIn("com.knuddels..", "sn9.tokenizer..");
        onlyIn("cafe.cryptography..", "sn9.wallet..");
        onlyIn("okhttp3..", "sn9.http..");
        onlyIn("io.javalin..", "sn9.localnet..", "sn9.dashboard..");
        onlyIn("org.eclipse.jetty..", "sn9.localnet..", "sn9.dashboard..");
        onlyIn("com.dynatrace.hash4j..", "sn9.chain.scale..");
        onlyIn("org.sqlite..", "sn9.localnet..", "sn9.validator..", "sn9.dashboard..");
        onlyIn("java.sql..", "sn9.localnet..", "sn9.validator..", "sn9.dashboard..");
        noClasses()
                .that()
                .resideInAnyPackage("sn9.tensor..", "sn9.engine..", "sn9.model..")
                .should()
                .dependOnClassesThat(resideInAnyPackage("com.fasterxml.jackson.."))
                .because("JSON is parsed where files and answers are read")
                .check(CLASSES);
    }

    /** The rules of the network are functions of their arguments: no clock, no chance, no network (STYLE 3.3). */
    @Test
    void theRulesArePure() {
        noClasses()
                .that()
                .resideInAPackage("sn9.subnet..")
                .should()
                .dependOnClassesThat(resideInAnyPackage("java.net..", "java.util.concurrent..", "java.util.random..")
                        .or(named(
                                "java.time.Clock", "java.time.InstantSource", "java.time.Instant", "java.util.Random")))
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(Math.class, "random")
                .check(CLASSES);
    }

    private static void onlyIn(String library, String... rooms) {
        noClasses()
                .that(resideOutsideOfPackages(rooms))
                .should()
                .dependOnClassesThat(resideInAnyPackage(library))
                .because(library + " belongs to " + String.join(", ", rooms))
                .check(CLASSES);
    }

    private static DescribedPredicate<JavaClass> dependOn(String... names) {
        return DescribedPredicate.describe(
                "use " + String.join(", ", names), type -> type.getDirectDependenciesFromSelf().stream()
                        .anyMatch(dependency -> named(names).test(dependency.getTargetClass())));
    }

    private static DescribedPredicate<JavaClass> named(String... names) {
        return DescribedPredicate.describe(
                String.join(", ", names), type -> Arrays.asList(names).contains(type.getName()));
    }

    private static Stream<String> words(String allowed) {
        return Stream.of(allowed.split(" ")).filter(name -> !name.isEmpty());
    }

    private static String packages(String room) {
        return "sn9." + room + "..";
    }

    private static List<String> packagesWithSources() throws IOException {
        try (var files = Files.walk(SOURCES)) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .map(file -> SOURCES.relativize(file.getParent()).toString().replace('/', '.'))
                    .distinct()
                    .sorted()
                    .collect(Collectors.toList());
        }
    }
}
