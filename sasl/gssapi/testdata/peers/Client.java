// A client on the JDK's own SASL, over TCP: frames of header version 1. It does what client.c
// does, for the same lines of standard input.
// Usage: java Client.java SERVICE KEYTAB

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.PrivilegedActionException;
import java.security.PrivilegedExceptionAction;
import java.util.Map;
import javax.security.auth.Subject;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import javax.security.auth.login.LoginContext;
import javax.security.sasl.Sasl;
import javax.security.sasl.SaslClient;

public class Client {
    private static final int BOOL = 2, I32 = 8, I64 = 10, STRING = 11, STRUCT = 12, LIST = 15;
    private static final byte[] KEY = {0, 1, 'h', 's'}; // hash key "h", sort key "s"

    // Status is that of a negotiation's messages.
    private enum Status {
        INVALID, LIST_MECHANISMS, LIST_MECHANISMS_RESP, SELECT_MECHANISMS, SELECT_MECHANISMS_RESP,
        INITIATE, CHALLENGE, CHALLENGE_RESP, SUCC, AUTH_DISABLE, AUTH_FAIL
    }

    public static void main(String[] args) throws Exception {
        Subject subject = login(args[1]);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            try {
                PrivilegedExceptionAction<String> run = () -> run(args[0], words);
                System.out.println("OK " + Subject.doAs(subject, run));
            } catch (PrivilegedActionException e) {
                System.out.println("ERR " + String.valueOf(e.getCause()).replace('\n', ' '));
            }
        }
    }

    private static Subject login(String keytab) throws Exception {
        Map<String, String> module = Map.of("useKeyTab", "true", "keyTab", keytab, "principal", "alice", "doNotPrompt", "true");
        LoginContext context = new LoginContext("client", null, null, new Configuration() {
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

    // run returns what a get returns after a put.
    private static String run(String service, String[] words) throws IOException {
        String[] address = words[1].split(":");
        Map<String, String> properties = Map.of(Sasl.QOP, "auth", Sasl.SERVER_AUTH, words[4]);
        try (Session meta = new Session(new InetSocketAddress(address[0], Integer.parseInt(address[1])))) {
            meta.negotiate(service, words[0], properties);
            Place place = meta.query(words[2]);
            try (Session primary = new Session(place.primary)) {
                primary.negotiate(service, words[0], properties);
                primary.put(place.app, words[3]);
                return primary.get(place.app);
            }
        }
    }

    // Place is where the one partition of a table is.
    private static class Place {
        int app;
        InetSocketAddress primary;
    }

    // Arguments are the bytes of a struct.
    private static class Arguments {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        final DataOutputStream out = new DataOutputStream(bytes);

        Arguments field(int type, int id) throws IOException {
            out.writeByte(type);
            out.writeShort(id);
            return this;
        }

        Arguments number(int id, int value) throws IOException {
            field(I32, id).out.writeInt(value);
            return this;
        }

        Arguments text(byte[] text) throws IOException {
            out.writeInt(text.length);
            out.write(text);
            return this;
        }

        // blob is a struct whose only content is a text.
        Arguments blob(int id, byte[] value) throws IOException {
            return field(STRUCT, id).text(value);
        }

        Arguments stop() throws IOException {
            out.writeByte(0);
            return this;
        }
    }

    // Session is one connection.
    private static class Session implements AutoCloseable {
        private final Socket socket = new Socket();
        private final DataInputStream in;
        private int seq;
        private DataInputStream answer; // at the fields of the last answer's result

        Session(InetSocketAddress to) throws IOException {
            socket.setTcpNoDelay(true);
            socket.connect(to, 5000);
            socket.setSoTimeout(10000);
            in = new DataInputStream(socket.getInputStream());
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }

        private void call(String rpc, int app, Arguments args) throws IOException {
            Arguments meta = new Arguments().number(1, app).number(2, 0).number(3, 5000);
            meta.field(I64, 4).out.writeLong(0);
            meta.field(BOOL, 5).stop().stop();
            Arguments body = new Arguments();
            body.out.writeInt(0x80010001);
            body.text(rpc.getBytes(StandardCharsets.US_ASCII)).out.writeInt(++seq);
            body.out.write(args.bytes.toByteArray());
            Arguments frame = new Arguments();
            frame.out.writeBytes("THFT");
            frame.out.writeInt(1);
            frame.out.writeInt(meta.bytes.size());
            frame.out.writeInt(body.bytes.size());
            meta.bytes.writeTo(frame.out);
            body.bytes.writeTo(frame.out);
            frame.bytes.writeTo(socket.getOutputStream());

            byte[] reply = new byte[in.readInt() - 4];
            in.readFully(reply);
            answer = new DataInputStream(new ByteArrayInputStream(reply));
            expect("ERR_OK", takeText());
            expect(0x80010002, answer.readInt());
            expect(rpc + "_ACK", takeText());
            expect(seq, answer.readInt());
            takeField(STRUCT, 0);
        }

        private static void expect(Object want, Object got) throws IOException {
            if (!want.equals(got)) {
                throw new IOException(got + " where " + want + " is due");
            }
        }

        private void takeField(int type, int id) throws IOException {
            expect(type, (int) answer.readByte());
            expect(id, (int) answer.readShort());
        }

        private byte[] takeBytes() throws IOException {
            return answer.readNBytes(answer.readInt());
        }

        private String takeText() throws IOException {
            return new String(takeBytes(), StandardCharsets.UTF_8);
        }

        private int takeNumber(int id) throws IOException {
            takeField(I32, id);
            return answer.readInt();
        }

        // say leaves the message of the answer to be taken.
        private Status say(Status status, byte[] message) throws IOException {
            call("RPC_NEGOTIATION", 0, new Arguments().field(STRUCT, 1).number(1, status.ordinal()).blob(2, message).stop().stop());
            Status got = Status.values()[takeNumber(1)];
            takeField(STRUCT, 2);
            return got;
        }

        void negotiate(String service, String host, Map<String, String> properties) throws IOException {
            SaslClient sasl = Sasl.createSaslClient(new String[] {"GSSAPI"}, null, service, host, properties, null);
            expect(Status.LIST_MECHANISMS_RESP, say(Status.LIST_MECHANISMS, new byte[0]));
            expect("GSSAPI", takeText());
            expect(Status.SELECT_MECHANISMS_RESP, say(Status.SELECT_MECHANISMS, "GSSAPI".getBytes(StandardCharsets.US_ASCII)));
            Status status = say(Status.INITIATE, sasl.evaluateChallenge(new byte[0]));
            while (status == Status.CHALLENGE) {
                byte[] token = sasl.evaluateChallenge(takeBytes());
                status = say(Status.CHALLENGE_RESP, token == null ? new byte[0] : token);
            }
            expect(Status.SUCC, status);
            expect(true, sasl.isComplete());
        }

        Place query(String table) throws IOException {
            Arguments args = new Arguments().field(STRUCT, 1).field(STRING, 1).text(table.getBytes(StandardCharsets.UTF_8)).field(LIST, 2);
            args.out.writeByte(I32);
            args.out.writeInt(0);
            call("RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX", 0, args.stop().stop());
            takeField(STRUCT, 1);
            expect("ERR_OK", takeText());
            Place place = new Place();
            place.app = takeNumber(2);
            expect(1, takeNumber(3)); // partitions
            takeField(BOOL, 4);
            answer.skipBytes(1);
            takeField(LIST, 5);
            answer.skipBytes(5);
            takeField(STRUCT, 1);
            answer.skipBytes(8);
            takeField(I64, 2);
            answer.skipBytes(8);
            takeNumber(3);
            takeField(STRUCT, 4);
            byte[] ip = ByteBuffer.allocate(4).putInt(answer.readInt()).array();
            place.primary = new InetSocketAddress(InetAddress.getByAddress(ip), answer.readUnsignedShort());
            return place;
        }

        void put(int app, String value) throws IOException {
            Arguments args = new Arguments().field(STRUCT, 1).blob(1, KEY).blob(2, value.getBytes(StandardCharsets.UTF_8));
            call("RPC_RRDB_RRDB_PUT", app, args.number(3, 0).stop().stop());
            expect(0, takeNumber(1));
        }

        String get(int app) throws IOException {
            call("RPC_RRDB_RRDB_GET", app, new Arguments().blob(1, KEY).stop());
            expect(0, takeNumber(1));
            takeField(STRUCT, 2);
            return takeText();
        }
    }
}
