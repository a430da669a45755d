package sn9.hub;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import sn9.localnet.hub.HubServer;

/** The local network's Hub in a process of its own, which may be starved: {@code HubServerProcess FOLDER}. */
final class HubServerProcess implements AutoCloseable {
    private static final String SAYS = "address=";

    private final Process process;
    private final String address;

    private HubServerProcess(Process process, String address) {
        this.process = process;
        this.address = address;
    }

    public static void main(String[] words) throws IOException {
        try (var server = HubServer.start(Path.of(words[0]), 0)) {
            System.out.println(SAYS + server.address());
            System.in.read();
        }
    }

    /** Starts one, as {@link HubProcess#start}; its log goes to a file. */
    static HubServerProcess start(Path net, Optional<Integer> blocks, Path log) throws IOException {
        var command = HubProcess.java(HubServerProcess.class, blocks, "-XX:TieredStopAtLevel=1");
        command.add(net.toString());
        var process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        var out = process.inputReader();
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            if (line.startsWith(SAYS)) {
                Thread.startVirtualThread(() -> out.lines().forEach(_ -> {})); // a full pipe would stop it
                return new HubServerProcess(process, line.substring(SAYS.length()));
            }
        }
        throw new IOException("the server ended; see " + log);
    }

    String address() {
        return address;
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
