// One end of a SASL GSSAPI negotiation on the JDK's own SASL, driven over standard input and
// output by a test; the lines are those of peer.c.
// Usage: java Peer.java client|server SERVICE HOST mutual|plain

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.security.PrivilegedExceptionAction;
import java.util.HexFormat;
import java.util.Map;
import javax.security.auth.Subject;
import javax.security.auth.callback.Callback;
import javax.security.auth.login.LoginContext;
import javax.security.sasl.AuthorizeCallback;
import javax.security.sasl.Sasl;
import javax.security.sasl.SaslClient;
import javax.security.sasl.SaslServer;

public class Peer {
    private static final BufferedReader IN = new BufferedReader(new InputStreamReader(System.in));
    private static final HexFormat HEX = HexFormat.of();

    public static void main(String[] args) {
        try {
            LoginContext login = new LoginContext(args[0]);
            login.login();
            PrivilegedExceptionAction<Void> run = () -> {
                Map<String, String> properties =
                        Map.of(Sasl.QOP, "auth", Sasl.SERVER_AUTH, String.valueOf(args[3].equals("mutual")));
                if (args[0].equals("client")) {
                    client(args[1], args[2], properties);
                } else {
                    server(args[1], args[2], properties);
                }
                return null;
            };
            Subject.doAs(login.getSubject(), run);
        } catch (Exception e) {
            StringBuilder words = new StringBuilder();
            for (Throwable t = e; t != null; t = t.getCause()) {
                words.append(String.valueOf(t.getMessage()).replace('\n', ' ')).append("; ");
            }
            System.out.println("ERR " + words);
        }
    }

    private static void client(String service, String host, Map<String, String> properties) throws Exception {
        SaslClient sasl = Sasl.createSaslClient(new String[] {"GSSAPI"}, null, service, host, properties, null);
        byte[] token = sasl.evaluateChallenge(new byte[0]);
        while (true) {
            System.out.println((sasl.isComplete() ? "D " : "T ") + HEX.formatHex(token == null ? new byte[0] : token));
            token = sasl.evaluateChallenge(read());
        }
    }

    private static void server(String service, String host, Map<String, String> properties) throws Exception {
        SaslServer sasl = Sasl.createSaslServer("GSSAPI", service, host, properties, callbacks -> {
            for (Callback c : callbacks) {
                if (c instanceof AuthorizeCallback) {
                    AuthorizeCallback a = (AuthorizeCallback) c;
                    a.setAuthorized(a.getAuthenticationID().equals(a.getAuthorizationID()));
                }
            }
        });
        while (true) {
            byte[] token = sasl.evaluateResponse(read());
            if (sasl.isComplete()) {
                System.out.println("OK " + sasl.getAuthorizationID());
                return;
            }
            System.out.println("T " + HEX.formatHex(token == null ? new byte[0] : token));
        }
    }

    private static byte[] read() throws Exception {
        String line = IN.readLine();
        if (line == null || !line.startsWith("T ")) {
            System.exit(0);
        }
        return HEX.parseHex(line.substring(2).trim());
    }
}
