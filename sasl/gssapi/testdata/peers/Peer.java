// One end of SASL GSSAPI negotiations on the JDK's own SASL, one after the other, driven over
// standard input and output by a test; the lines are those of peer.c. Options of its own:
//   mutual      true or false
//   ticket, key, type, principal, service, until
//               client only: a ticket with its session key (hex) that takes the place of the
//               KDC's, its encryption type, its two names, and its end in milliseconds
// Usage: java Peer.java client|server SERVICE KEYTAB; KEYTAB is the client's.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.security.PrivilegedActionException;
import java.security.PrivilegedExceptionAction;
import java.util.Date;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import javax.security.auth.Subject;
import javax.security.auth.callback.Callback;
import javax.security.auth.kerberos.KerberosPrincipal;
import javax.security.auth.kerberos.KerberosTicket;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import javax.security.auth.login.LoginContext;
import javax.security.sasl.AuthorizeCallback;
import javax.security.sasl.Sasl;
import javax.security.sasl.SaslClient;
import javax.security.sasl.SaslServer;

public class Peer {
    private static final HexFormat HEX = HexFormat.of();

    private final String service;
    private final Subject client; // null: this is a server
    private Map<String, String> options;
    private Subject subject;
    private SaslClient asClient;
    private SaslServer asServer;

    private Peer(String service, Subject client) {
        this.service = service;
        this.client = client;
    }

    public static void main(String[] args) throws Exception {
        boolean serving = args[0].equals("server");
        Peer peer = new Peer(args[1], serving ? null : login(args[2], "alice", true));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String rest = line.substring(2).trim();
            if (!line.startsWith("N ")) {
                System.out.println(peer.step(HEX.parseHex(rest)));
            } else {
                peer.begin(rest);
                if (!serving) {
                    System.out.println(peer.step(new byte[0]));
                }
            }
        }
    }

    private static Subject login(String keytab, String principal, boolean initiator) throws Exception {
        Map<String, String> module = Map.of("useKeyTab", "true", "keyTab", keytab, "principal", principal,
                "doNotPrompt", "true", "storeKey", "true", "isInitiator", String.valueOf(initiator));
        LoginContext context = new LoginContext("peer", null, null, new Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
                return new AppConfigurationEntry[] {new AppConfigurationEntry(
                        "com.sun.security.auth.module.Krb5LoginModule",
                        AppConfigurationEntry.LoginModuleControlFlag.REQUIRED, module)};
            }
        });
        context.login();
        return context.getSubject();
    }

    private void begin(String line) {
        options = new HashMap<>();
        for (String option : line.split(" ")) {
            String[] pair = option.split("=", 2);
            options.put(pair[0], pair[1]);
        }
        asClient = null;
        asServer = null;
    }

    // step returns the line that the token comes to.
    private String step(byte[] token) {
        try {
            if (asClient == null && asServer == null) {
                subject = subject();
            }
            PrivilegedExceptionAction<String> run = () -> client == null ? serve(token) : ask(token);
            return Subject.doAs(subject, run);
        } catch (Exception e) {
            StringBuilder words = new StringBuilder("ERR ");
            for (Throwable t = e; t != null; t = t.getCause()) {
                if (!(t instanceof PrivilegedActionException)) {
                    words.append(String.valueOf(t.getMessage()).replace('\n', ' ')).append("; ");
                }
            }
            return words.toString();
        }
    }

    private Subject subject() throws Exception {
        if (client == null) {
            return login(options.get("keytab"), service + "/" + options.get("host"), false);
        }
        if (!options.containsKey("ticket")) {
            return client;
        }
        Date now = new Date();
        KerberosPrincipal principal = new KerberosPrincipal(options.get("principal"));
        Subject with = new Subject();
        with.getPrincipals().add(principal);
        with.getPrivateCredentials().add(new KerberosTicket(HEX.parseHex(options.get("ticket")), principal,
                new KerberosPrincipal(options.get("service"), KerberosPrincipal.KRB_NT_SRV_HST),
                HEX.parseHex(options.get("key")), Integer.parseInt(options.get("type")), new boolean[32],
                now, now, new Date(Long.parseLong(options.get("until"))), null, null));
        with.getPrivateCredentials().addAll(client.getPrivateCredentials());
        return with;
    }

    private Map<String, String> properties() {
        return Map.of(Sasl.QOP, "auth", Sasl.SERVER_AUTH, options.get("mutual"));
    }

    private String ask(byte[] token) throws Exception {
        if (asClient == null) {
            asClient = Sasl.createSaslClient(new String[] {"GSSAPI"}, options.get("authzid"), service,
                    options.get("host"), properties(), null);
        }
        byte[] out = asClient.evaluateChallenge(token);
        return (asClient.isComplete() ? "D " : "T ") + HEX.formatHex(out == null ? new byte[0] : out);
    }

    private String serve(byte[] token) throws Exception {
        if (asServer == null) {
            asServer = Sasl.createSaslServer("GSSAPI", service, options.get("host"), properties(), callbacks -> {
                for (Callback c : callbacks) {
                    if (c instanceof AuthorizeCallback) {
                        AuthorizeCallback a = (AuthorizeCallback) c;
                        a.setAuthorized(a.getAuthenticationID().equals(a.getAuthorizationID()));
                    }
                }
            });
        }
        byte[] out = asServer.evaluateResponse(token);
        if (asServer.isComplete()) {
            return "OK " + asServer.getAuthorizationID();
        }
        return "T " + HEX.formatHex(out == null ? new byte[0] : out);
    }
}
