import java.util.Collections;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** java.util.zip.ZipFile: from the central directory. */
class JdkZipFile {
    public static void main(String[] args) throws Exception {
        try (ZipFile zip = new ZipFile(args[0])) {
            for (ZipEntry entry : Collections.list(zip.entries())) {
                try (var body = zip.getInputStream(entry)) {
                    Tell.entry(entry.getName(), body);
                }
            }
        }
    }
}
