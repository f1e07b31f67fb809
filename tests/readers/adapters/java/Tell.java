import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Tells an entry as one line: SHA-256, size, and the name's UTF-8 in hexadecimal. */
final class Tell {
    private static final byte[] PIECE = new byte[1 << 18];

    static void entry(String name, InputStream body) throws IOException, NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        long size = 0;
        for (int n; (n = body.read(PIECE)) >= 0; size += n) {
            digest.update(PIECE, 0, n);
        }
        HexFormat hex = HexFormat.of();
        String utf8 = hex.formatHex(name.getBytes(StandardCharsets.UTF_8));
        System.out.println(hex.formatHex(digest.digest()) + " " + size + " " + utf8);
    }
}
