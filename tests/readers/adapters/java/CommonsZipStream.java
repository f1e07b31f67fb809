import java.io.BufferedInputStream;
import java.io.FileInputStream;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveInputStream;

/** Apache Commons Compress, ZipArchiveInputStream: front to back. */
class CommonsZipStream {
    public static void main(String[] args) throws Exception {
        var file = new BufferedInputStream(new FileInputStream(args[0]), 1 << 18);
        try (ZipArchiveInputStream zip = new ZipArchiveInputStream(file)) {
            for (ZipArchiveEntry entry; (entry = zip.getNextZipEntry()) != null; ) {
                if (!zip.canReadEntryData(entry)) {
                    throw new IllegalStateException("cannot read " + entry.getName());
                }
                Tell.entry(entry.getName(), zip);
            }
        }
    }
}
