import Glibc
import RPC

/// The program that runs.
package enum Program {
    /// The folder that the program's file lies in, whatever the working directory is.
    package static var folder: String {
        PathText.folder(of: PathText.target(ofLink: "/proc/self/exe") ?? "")
    }

    /// What it was started as, without folders; messages begin with it.
    package static var name: String {
        let path = CommandLine.argc > 0 ? unsafe CommandLine.unsafeArgv[0].map { unsafe PathText.text(of: $0) } : nil
        return PathText.split(path ?? "dseg").name
    }

    /// What follows the program's name, as ``PathText`` writes it: `CommandLine.arguments` mends what is not UTF-8,
    /// and the file that was meant could not be found.
    package static var arguments: [String] {
        (1..<max(1, Int(CommandLine.argc))).compactMap { place in
            unsafe CommandLine.unsafeArgv[place].map { unsafe PathText.text(of: $0) }
        }
    }
}
