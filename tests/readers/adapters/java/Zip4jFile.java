import net.lingala.zip4j.ZipFile;
import net.lingala.zip4j.model.FileHeader;

/** zip4j, ZipFile: from the central directory. */
class Zip4jFile {
    public static void main(String[] args) throws Exception {
        try (ZipFile zip = new ZipFile(args[0])) {
            for (FileHeader header : zip.getFileHeaders()) {
                try (var body = zip.getInputStream(header)) {
                    Tell.entry(header.getFileName(), body);
                }
            }
        }
    }
}
