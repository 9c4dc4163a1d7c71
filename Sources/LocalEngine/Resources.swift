import Glibc
import Results

/// Paths of the files that ship with the programs, relative to the executable.
package enum Resources {
    package static var demoModel: String { "\(folder(of: "dsegd"))/demo" }
    package static var clipMerges: String { "\(folder(of: "dsegd"))/clip/merges.txt" }

    /// SwiftPM's bundle beside a program in its build folder, else `share/dseg`, where `make install` puts all bundles.
    package static func folder(of target: String) -> String {
        let built = "\(Program.folder)/DiffSegmenter_\(target).resources/Resources"
        return unsafe access(built, F_OK) == 0 ? built : "\(Program.folder)/../share/dseg"
    }
}
