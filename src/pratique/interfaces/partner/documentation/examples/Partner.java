// A complete client of the Pratique partner API, in one file to copy from. Needs JDK 17 or newer, no packages.
//
//   export PRATIQUE_URL=https://health.example.edu
//   export PRATIQUE_CLIENT_ID=demo_...  PRATIQUE_KEY=...  PRATIQUE_PACKAGE=...  PRATIQUE_TRACKER='Class of 2030'
//   java Partner.java                                  # signs one example student in, and reads back
//   java Partner.java --check-vectors vectors.json     # compares every byte with the published test vectors
//
// The key belongs on your server, in its store of secrets: never in a browser, an app or a repository.
// The JDK has no JSON library: class Json at the end stands in for the one that you use.

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** One client id. It opens a session when it needs one and opens another when that one has ended. */
public final class Partner {
    private static final SecureRandom RANDOM = new SecureRandom();
    private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
    private final String url;
    private final String clientId;
    private final byte[] encryptionKey;
    private String sessionId = "";
    private long sessionEnds = System.nanoTime();
    private byte[] requestKey;
    private byte[] responseKey;

    public Partner(String url, String clientId, String key) {
        this.url = url.replaceAll("/+$", "");
        this.clientId = clientId;
        this.encryptionKey = decode(key);
        if (encryptionKey.length != 32) {
            throw new IllegalArgumentException("The key must be 32 bytes: 43 characters of base64url.");
        }
    }

    /** The server refused; code is one of the documented table. */
    public static final class PartnerException extends Exception {
        public final int status;
        public final String code;
        public final String field;

        PartnerException(int status, Object error) {
            super(text(error, "code", "HTTP_" + status) + ": "
                + text(error, "message", "The answer did not come from the partner API."));
            this.status = status;
            this.code = text(error, "code", "HTTP_" + status);
            this.field = text(error, "field", "");
        }

        /** The error of an answer that is not sealed: there was no session, or a proxy answered. */
        static PartnerException plain(HttpResponse<String> answer) {
            try {
                return new PartnerException(answer.statusCode(), Json.object(answer.body()).get("error"));
            } catch (IllegalArgumentException notJson) {
                return new PartnerException(answer.statusCode(), null);
            }
        }

        private static String text(Object error, String name, String otherwise) {
            return error instanceof Map<?, ?> map && map.get(name) instanceof String found ? found : otherwise;
        }
    }

    /** Make one call with a fresh nonce and return its answer. */
    public Map<String, Object> call(String method, Map<String, Object> fields) throws Exception {
        if (System.nanoTime() - sessionEnds >= 0) authenticate();
        try {
            return callOnce(method, fields);
        } catch (PartnerException error) {
            if (!error.code.equals("NOT_AUTHENTICATED")) throw error;
            authenticate(); // the session has ended, or the key was rotated: once more
            return callOnce(method, fields);
        }
    }

    /** Open a session and derive its two keys. */
    public void authenticate() throws Exception {
        byte[] clientNonce = random(16);
        String told = assertion(clientId, encryptionKey, now(), clientNonce);
        var answer = post("authenticate", "application/json", Json.write(Map.of("assertion", told)));
        if (answer.statusCode() != 200) throw PartnerException.plain(answer);
        Map<String, Object> opened = Json.object(answer.body());
        sessionId = (String) opened.get("sessionId");
        sessionEnds = System.nanoTime() + ((Long) opened.get("expiresIn") - 30) * 1_000_000_000L;
        byte[] salt = join(clientNonce, decode((String) opened.get("serverNonce")));
        requestKey = derive(encryptionKey, "pratique partner v1 request " + sessionId, salt);
        responseKey = derive(encryptionKey, "pratique partner v1 response " + sessionId, salt);
    }

    private Map<String, Object> callOnce(String method, Map<String, Object> fields) throws Exception {
        var sent = new LinkedHashMap<>(fields);
        sent.put("nonce", System.currentTimeMillis() + "-" + HexFormat.of().formatHex(random(8)));
        String sealed = seal(Json.write(sent), requestKey, sessionId, method, now(), random(12));
        var answer = post(method, "application/jose", sealed);
        if (!kindOf(answer).equals("application/jose")) throw PartnerException.plain(answer);
        Map<String, Object> opened = Json.object(open(answer.body(), responseKey, sessionId, method));
        if (answer.statusCode() != 200) throw new PartnerException(answer.statusCode(), opened.get("error"));
        return opened;
    }

    private HttpResponse<String> post(String name, String kind, String body) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url + "/partner/v1/" + name))
            .timeout(Duration.ofSeconds(30))
            .header("Content-Type", kind)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
        return http.send(request, HttpResponse.BodyHandlers.ofString(UTF_8));
    }

    private static String kindOf(HttpResponse<String> answer) {
        return answer.headers().firstValue("Content-Type").orElse("").split(";")[0].trim();
    }

    // --- what stands on the wire -----------------------------------------------------------------------------

    /** The JWT (HS256) that opens a session. */
    static String assertion(String clientId, byte[] encryptionKey, long now, byte[] clientNonce)
            throws GeneralSecurityException {
        var header = new LinkedHashMap<String, Object>();
        header.put("alg", "HS256");
        header.put("typ", "JWT");
        header.put("kid", clientId);
        var claims = new LinkedHashMap<String, Object>();
        claims.put("iss", clientId);
        claims.put("aud", "pratique-partner");
        claims.put("iat", now);
        claims.put("exp", now + 300);
        claims.put("jti", encode(clientNonce));
        String signed = encode(Json.write(header).getBytes(UTF_8)) + "." + encode(Json.write(claims).getBytes(UTF_8));
        byte[] key = derive(encryptionKey, "pratique partner v1 authenticate", new byte[0]);
        return signed + "." + encode(hmac(key, signed.getBytes(UTF_8)));
    }

    /** A compact JWE (alg dir, enc A256GCM). Never use an IV twice: 12 fresh random bytes a message. */
    static String seal(String plaintext, byte[] key, String sessionId, String method, long now, byte[] iv)
            throws GeneralSecurityException {
        var header = new LinkedHashMap<String, Object>();
        header.put("alg", "dir");
        header.put("enc", "A256GCM");
        header.put("kid", sessionId);
        header.put("iat", now);
        header.put("method", method);
        String protectedHeader = encode(Json.write(header).getBytes(UTF_8));
        byte[] sealed = gcm(Cipher.ENCRYPT_MODE, key, iv, protectedHeader, plaintext.getBytes(UTF_8));
        int tag = sealed.length - 16; // Java appends the tag to the ciphertext
        return protectedHeader + ".." + encode(iv) + "." + encode(Arrays.copyOf(sealed, tag)) + "."
            + encode(Arrays.copyOfRange(sealed, tag, sealed.length));
    }

    /** What a JWE holds. Refuses everything that is not exactly what this session and call expect. */
    static String open(String compact, byte[] key, String sessionId, String method) throws GeneralSecurityException {
        String[] pieces = compact.split("\\.", -1);
        if (pieces.length != 5 || !pieces[1].isEmpty()) {
            throw new GeneralSecurityException("This is no JWE of the partner API.");
        }
        Map<String, Object> header = Json.object(new String(decode(pieces[0]), UTF_8));
        byte[] iv = decode(pieces[2]);
        byte[] tag = decode(pieces[4]);
        boolean right = header.keySet().equals(Set.of("alg", "enc", "kid", "iat", "method"))
            && header.get("alg").equals("dir") && header.get("enc").equals("A256GCM")
            && header.get("kid").equals(sessionId) && header.get("method").equals(method)
            && header.get("iat") instanceof Long && iv.length == 12 && tag.length == 16;
        if (!right) throw new GeneralSecurityException("The JWE is not of this call.");
        // Throws AEADBadTagException if it was not sealed with this key.
        return new String(gcm(Cipher.DECRYPT_MODE, key, iv, pieces[0], join(decode(pieces[3]), tag)), UTF_8);
    }

    private static byte[] gcm(int mode, byte[] key, byte[] iv, String header, byte[] content)
            throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(128, iv));
        cipher.updateAAD(header.getBytes(UTF_8));
        return cipher.doFinal(content);
    }

    /** 32 bytes of HKDF-SHA256 (RFC 5869): extract, and expand to one block. JDK 25 has it as javax.crypto.KDF. */
    static byte[] derive(byte[] encryptionKey, String info, byte[] salt) throws GeneralSecurityException {
        byte[] extracted = hmac(salt.length == 0 ? new byte[32] : salt, encryptionKey);
        return hmac(extracted, join(info.getBytes(UTF_8), new byte[] {1}));
    }

    private static byte[] hmac(byte[] key, byte[] content) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(content);
    }

    private static String encode(byte[] content) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(content);
    }

    private static byte[] decode(String text) {
        return Base64.getUrlDecoder().decode(text);
    }

    private static byte[] join(byte[] first, byte[] second) {
        byte[] joined = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, joined, first.length, second.length);
        return joined;
    }

    private static byte[] random(int length) {
        byte[] content = new byte[length];
        RANDOM.nextBytes(content);
        return content;
    }

    private static long now() {
        return System.currentTimeMillis() / 1000;
    }

    // --- two things to do with it ----------------------------------------------------------------------------

    public static void main(String[] arguments) throws Exception {
        try {
            if (arguments.length == 2 && arguments[0].equals("--check-vectors")) check(Path.of(arguments[1]));
            else show();
        } catch (ConnectException error) { // its message is empty
            System.err.println("The server did not answer.");
            System.exit(1);
        } catch (PartnerException | IllegalStateException | IllegalArgumentException error) {
            System.err.println(error.getMessage());
            System.exit(1);
        }
    }

    /** Create an example student, sign them in, set their tracker, and read back. */
    private static void show() throws Exception {
        var partner = new Partner(setting("URL", null), setting("CLIENT_ID", null), setting("KEY", null));
        String code = setting("PACKAGE", null);
        String tracker = setting("TRACKER", "");
        String vendorKey = setting("VENDOR_KEY", "example-java-1");

        Map<String, Object> created = partner.call("createUser", Map.of(
            "username", "amagnus",
            "vendorKey", vendorKey,
            "firstName", "Albert",
            "lastName", "Magnus",
            "phone", "919-555-0117",
            "email", "albert.magnus@example.edu",
            "dateOfBirthString", "03/22/2008",
            "registrationCode", code));
        System.out.println("createUser: username " + created.get("username"));

        // From now on these two name the student. Keep the account token beside the student in your system.
        var student = Map.of("accountToken", created.get("accountToken"), "vendorKey", (Object) vendorKey);
        Object token = partner.call("secureToken", student).get("secureToken");
        var onPackage = new LinkedHashMap<>(student);
        onPackage.put("code", code);
        if (!tracker.isEmpty()) {
            var chosen = new LinkedHashMap<>(onPackage);
            chosen.put("trackerName", tracker);
            partner.call("setTracker", chosen);
            System.out.println("setTracker: " + tracker);
        }
        var user = partner.call("getUser", onPackage);
        System.out.println("getUser: " + user.get("trackerName") + ", " + user.get("numComplete") + " of "
            + user.get("numItems") + " complete");
        var rows = (List<?>) partner.call("getPackageCounts", Map.of("code", code)).get("packageDetails");
        System.out.println("getPackageCounts: " + rows.size() + " students");
        System.out.println("Send the student's browser here, once, within minutes: " + partner.url + "/sso/" + token);
    }

    private static String setting(String name, String otherwise) {
        String value = System.getenv().getOrDefault("PRATIQUE_" + name, otherwise);
        if (value == null) throw new IllegalStateException("Set PRATIQUE_" + name + " in the environment.");
        return value;
    }

    /** Recompute every published vector; the first difference ends the program with status 1. */
    private static void check(Path file) throws Exception {
        Map<String, Object> vectors = Json.object(Files.readString(file));
        Map<String, Object> phase1 = Json.asObject(vectors.get("authenticate"));
        Map<String, Object> phase2 = Json.asObject(vectors.get("session"));
        byte[] key = decode((String) vectors.get("encryption_key_base64url"));
        String id = (String) phase2.get("session_id");
        byte[] salt = hex(phase2.get("salt_hex"));
        byte[] requestKey = derive(key, (String) phase2.get("request_info"), salt);
        byte[] responseKey = derive(key, (String) phase2.get("response_info"), salt);
        byte[] signing = derive(key, (String) phase1.get("info"), new byte[0]);
        same("assertion key", HexFormat.of().formatHex(signing), phase1.get("assertion_key_hex"));
        String made = assertion((String) vectors.get("client_id"), key, (Long) phase1.get("now"),
            hex(phase1.get("client_nonce_hex")));
        same("assertion", made, phase1.get("assertion"));
        same("request key", HexFormat.of().formatHex(requestKey), phase2.get("request_key_hex"));
        same("response key", HexFormat.of().formatHex(responseKey), phase2.get("response_key_hex"));
        for (Object one : (List<?>) vectors.get("calls")) {
            Map<String, Object> call = Json.asObject(one);
            Map<String, Object> sent = Json.asObject(call.get("request"));
            Map<String, Object> got = Json.asObject(call.get("response"));
            String method = (String) call.get("method");
            made = seal((String) sent.get("plaintext"), requestKey, id, method, (Long) sent.get("iat"),
                hex(sent.get("iv_hex")));
            same(method + ", request", made, sent.get("jwe"));
            same(method + ", response", open((String) got.get("jwe"), responseKey, id, method), got.get("plaintext"));
        }
        for (Object one : (List<?>) vectors.get("refused")) {
            Map<String, Object> wrong = Json.asObject(one);
            if (!"request".equals(wrong.get("kind"))) continue;
            boolean opened = true;
            try {
                open((String) wrong.get("token"), requestKey, id, "secureToken");
            } catch (GeneralSecurityException expected) {
                opened = false;
            }
            if (opened) throw new IllegalStateException("DIFFERS: opened, though " + wrong.get("why"));
        }
        System.out.println("All vectors agree.");
    }

    private static byte[] hex(Object text) {
        return HexFormat.of().parseHex((String) text);
    }

    private static void same(String name, String made, Object published) {
        if (!made.equals(published)) {
            throw new IllegalStateException("DIFFERS: " + name + "\n  made      " + made + "\n  published " + published);
        }
    }

    // --- JSON, as much of it as this needs -------------------------------------------------------------------

    /** Objects are maps, arrays lists, whole numbers Long. Use your own library instead. */
    private static final class Json {
        private final String text;
        private int at;

        private Json(String text) {
            this.text = text;
        }

        static Map<String, Object> object(String text) {
            Json reader = new Json(text);
            Object found = reader.value();
            reader.blanks();
            if (reader.at != text.length() || !(found instanceof Map)) throw reader.fault();
            return asObject(found);
        }

        @SuppressWarnings("unchecked")
        static Map<String, Object> asObject(Object value) {
            return (Map<String, Object>) value;
        }

        static String write(Map<String, ?> object) {
            var parts = new ArrayList<String>();
            object.forEach((name, value) -> parts.add(quote(name) + ":" + (value instanceof String s ? quote(s) : value)));
            return "{" + String.join(",", parts) + "}";
        }

        private static String quote(String value) {
            var out = new StringBuilder("\"");
            for (char c : value.toCharArray()) {
                if (c == '"' || c == '\\') out.append('\\').append(c);
                else if (c < ' ') out.append(String.format("\\u%04x", (int) c));
                else out.append(c);
            }
            return out.append('"').toString();
        }

        private Object value() {
            blanks();
            char c = peek();
            if (c == '{') {
                at++;
                var object = new LinkedHashMap<String, Object>();
                while (more('}', object.isEmpty())) {
                    blanks();
                    String name = string();
                    blanks();
                    expect(':');
                    object.put(name, value());
                }
                return object;
            }
            if (c == '[') {
                at++;
                var array = new ArrayList<Object>();
                while (more(']', array.isEmpty())) array.add(value());
                return array;
            }
            if (c == '"') return string();
            int start = at;
            while (at < text.length() && ",]} \n\r\t".indexOf(text.charAt(at)) < 0) at++;
            String word = text.substring(start, at);
            return switch (word) {
                case "true" -> true;
                case "false" -> false;
                case "null" -> null;
                default -> Long.valueOf(word); // the partner API has whole numbers only
            };
        }

        private boolean more(char end, boolean first) {
            blanks();
            if (peek() == end) {
                at++;
                return false;
            }
            if (!first) expect(',');
            return true;
        }

        private String string() {
            expect('"');
            var out = new StringBuilder();
            for (char c = next(); c != '"'; c = next()) {
                if (c != '\\') {
                    out.append(c);
                    continue;
                }
                char escaped = next();
                int known = "bfnrt".indexOf(escaped);
                if (escaped == 'u') {
                    if (at + 4 > text.length()) throw fault();
                    out.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                    at += 4;
                } else {
                    out.append(known < 0 ? escaped : "\b\f\n\r\t".charAt(known));
                }
            }
            return out.toString();
        }

        private void blanks() {
            while (at < text.length() && " \n\r\t".indexOf(text.charAt(at)) >= 0) at++;
        }

        private char peek() {
            if (at >= text.length()) throw fault();
            return text.charAt(at);
        }

        private char next() {
            char c = peek();
            at++;
            return c;
        }

        private void expect(char c) {
            if (next() != c) throw fault();
        }

        private IllegalArgumentException fault() {
            return new IllegalArgumentException("This is no JSON.");
        }
    }
}
