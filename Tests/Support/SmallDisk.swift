package import Glibc
import RPC

/// A file system of one mebibyte, mounted where one daemon alone sees it: in a mount namespace of its own.
package final class SmallDisk: Sendable {
    private let place: TemporaryDirectory
    /// Of the file system, for the daemon.
    package var path: String { place.path }

    package init() throws { place = try TemporaryDirectory() }

    /// Words before a program's own, which mount the disk for it. The process that they start becomes the program.
    ///
    /// - Parameter log: whether its errors are written to `log` on the disk
    package func runner(log: Bool) -> [String] {
        let mount = "mount -t tmpfs -o size=1m,mode=0700 tmpfs '\(path)'"
        return ["unshare", "--mount"] + (geteuid() == 0 ? [] : ["--map-root-user"])
            + ["/bin/sh", "-c", "\(mount) && exec \"$@\"\(log ? " 2>> '\(path)/log'" : "")", "sh"]
    }

    /// Where this process sees a file of the disk.
    ///
    /// - Parameter process: the daemon's
    package func path(of file: String, seenBy process: pid_t) -> String { "/proc/\(process)/root\(path)/\(file)" }

    /// Takes all that is left of it.
    package func fill(_ process: pid_t) {
        _ = shell("dd if=/dev/zero bs=4096 >> '\(path(of: "filler", seenBy: process))' 2> /dev/null")
    }

    /// Gives back what ``fill(_:)`` took.
    package func free(_ process: pid_t) { _ = shell("rm -f '\(path(of: "filler", seenBy: process))'") }

    /// Runs a shell command where the disk is mounted.
    package func run(_ command: String, beside process: pid_t) -> (status: CInt, output: String) {
        shell("nsenter --target \(process) --mount -- /bin/sh -c '\(command.replacing("'", with: "'\\''"))'")
    }
}
