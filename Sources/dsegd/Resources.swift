import Glibc
import Results

/// What ships with the program: found from where the program lies, whatever the working directory is.
enum Resources {
    static var demoModel: String { "\(folder)/demo" }
    static var clipMerges: String { "\(folder)/clip/merges.txt" }
    static var benchPicture: String { "\(folder)/bench.jpg" }
    static var peerScript: String { "\(folder)/peer/stages.py" }

    /// Beside the program where it was built, else where `make install` puts it.
    private static var folder: String {
        let built = "\(Program.folder)/DiffSegmenter_dsegd.resources/Resources"
        return unsafe access(built, F_OK) == 0 ? built : "\(Program.folder)/../share/dseg"
    }
}
