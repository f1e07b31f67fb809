import java.io.BufferedInputStream;
import java.io.FileInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** java.util.zip.ZipInputStream: from the local headers, front to back. */
class JdkZipInputStream {
    public static void main(String[] args) throws Exception {
        var file = new BufferedInputStream(new FileInputStream(args[0]), 1 << 18);
        try (ZipInputStream zip = new ZipInputStream(file)) {
            for (ZipEntry entry; (entry = zip.getNextEntry()) != null; ) {
                Tell.entry(entry.getName(), zip);
            }
        }
    }
}
