import java.io.File;
import java.util.Collections;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipFile;

/** Apache Commons Compress, ZipFile: central directory and local headers. */
class CommonsZipFile {
    public static void main(String[] args) throws Exception {
        try (ZipFile zip = new ZipFile(new File(args[0]))) {
            for (ZipArchiveEntry entry : Collections.list(zip.getEntries())) {
                try (var body = zip.getInputStream(entry)) {
                    Tell.entry(entry.getName(), body);
                }
            }
        }
    }
}
