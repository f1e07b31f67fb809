import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** The zip file system of java.nio: a reader of its own, beside java.util.zip. */
class JdkZipFileSystem {
    public static void main(String[] args) throws Exception {
        try (FileSystem zip = FileSystems.newFileSystem(Path.of(args[0]));
                Stream<Path> found = Files.walk(zip.getPath("/"))) {
            for (Path path : (Iterable<Path>) found.filter(Files::isRegularFile)::iterator) {
                try (var body = Files.newInputStream(path)) {
                    Tell.entry(path.toString().substring(1), body);
                }
            }
        }
    }
}
