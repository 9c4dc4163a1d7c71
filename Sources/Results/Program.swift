import Glibc
import RPC

/// The running program: its folder, name and arguments.
package enum Program {
    /// The folder of the executable, from `/proc/self/exe`.
    package static var folder: String {
        PathText.folder(of: PathText.target(ofLink: "/proc/self/exe") ?? "")
    }

    /// How another of dseg's programs is started: its path where it lies beside this one, else its name, for PATH.
    package static func sibling(_ name: String) -> String {
        let beside = "\(folder)/\(name)"
        return FileStatus(beside) == nil ? name : beside
    }

    /// `argv[0]` without folders; error messages begin with it.
    package static var name: String {
        let path = CommandLine.argc > 0 ? unsafe CommandLine.unsafeArgv[0].map { unsafe PathText.text(of: $0) } : nil
        return PathText.split(path ?? "dseg").name
    }

    /// The arguments, encoded by ``PathText``: `CommandLine.arguments` replaces bytes that are not UTF-8 by U+FFFD, and
    /// such a file would not be found.
    package static var arguments: [String] {
        (1..<max(1, Int(CommandLine.argc))).compactMap { place in
            unsafe CommandLine.unsafeArgv[place].map { unsafe PathText.text(of: $0) }
        }
    }

    /// Starts the program anew, in the same process, with a variable in its environment that a library reads when it is
    /// loaded, before `main`. Does nothing where the variable is set; goes on without it where that fails.
    package static func restart(setting variable: String, to value: String) {
        guard unsafe getenv(variable) == nil,
            let path = PathText.target(ofLink: "/proc/self/exe")
        else { return }
        unsafe setenv(variable, value, 1)
        _ = unsafe PathText.withName(of: path) { unsafe execv($0, CommandLine.unsafeArgv) }
    }
}
