import Glibc

/// Files that ship with the programs.
package enum ShippedFiles {
    /// SwiftPM's bundle of a target beside the program in its build folder, else `share/dseg`, where `make install`
    /// puts all bundles.
    package static func folder(of target: String) -> String {
        let built = "\(Program.folder)/DiffSegmenter_\(target).resources/Resources"
        return unsafe access(built, F_OK) == 0 ? built : "\(Program.folder)/../share/dseg"
    }
}
