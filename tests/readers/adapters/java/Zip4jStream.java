import java.io.BufferedInputStream;
import java.io.FileInputStream;
import net.lingala.zip4j.io.inputstream.ZipInputStream;
import net.lingala.zip4j.model.LocalFileHeader;

/** zip4j, ZipInputStream: front to back. */
class Zip4jStream {
    public static void main(String[] args) throws Exception {
        var file = new BufferedInputStream(new FileInputStream(args[0]), 1 << 18);
        try (ZipInputStream zip = new ZipInputStream(file)) {
            for (LocalFileHeader header; (header = zip.getNextEntry()) != null; ) {
                Tell.entry(header.getFileName(), zip);
            }
        }
    }
}
