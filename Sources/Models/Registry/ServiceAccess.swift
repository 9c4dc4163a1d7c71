import Glibc
import Networks
import Texts

/// Why the system's service could not read a file: it runs as a user of its own (`DynamicUser=yes`), for whom homes are
/// hidden (`ProtectHome=yes`) and temporary folders are others (`PrivateTmp=yes`), see `Systemd/dsegd.service`.
package struct HiddenFile: Equatable, Sendable, CustomStringConvertible {
    private enum Cause: Equatable {
        case hiddenFolder(String)
        case modeOfFolder(String)
        case modeOfFile
        case missing(reason: String)
    }

    private let path: String
    private let cause: Cause

    /// As the kernel follows.
    private static let mostLinks = 40
    private static let hiddenFolders = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"]

    /// `nil` where the service can read the file: every folder on the way, through links, lets everybody pass, and the
    /// file lets everybody read.
    ///
    /// - Parameter path: absolute
    package init?(_ path: String) {
        guard let real = FilePath.real(path) else {
            (self.path, cause) = (path, .missing(reason: unsafe String(cString: strerror(errno))))
            return
        }
        let folders = Self.folders(on: path)
        if let hidden = Self.hiddenFolders.first(where: { folder in
            folders.contains { ExactString($0) == ExactString(folder) }
        }) {
            (self.path, cause) = (path, .hiddenFolder(hidden))
        } else if let closed = folders.first(where: { !Self.has(S_IXOTH, $0) }) {
            (self.path, cause) = (path, .modeOfFolder(closed))
        } else if !Self.has(S_IROTH, real) {
            (self.path, cause) = (path, .modeOfFile)
        } else {
            return nil
        }
    }

    package var description: String {
        switch cause {
        case .hiddenFolder(let folder):
            "\(path) leads into \(folder), which the service does not see: move the model to /var/lib or /srv and add "
                + "it there, or leave --system out and run dsegd as yourself"
        case .modeOfFolder(let folder):
            "\(path) cannot be read by the service's user, for \(folder) does not let everybody pass: type "
                + "chmod o+x \(ShellWord.quoted(folder))"
        case .modeOfFile:
            "\(path) cannot be read by the service's user: type chmod o+r \(ShellWord.quoted(path))"
        case .missing(let reason): "\(path) cannot be read by the service's user: \(reason)"
        }
    }

    private static func has(_ mode: mode_t, _ path: String) -> Bool {
        var state = stat()
        return unsafe stat(path, &state) == 0 && state.st_mode & mode != 0
    }

    /// The folders that are passed on the way to a file, those behind links included.
    private static func folders(on path: String) -> [String] {
        var waiting = Array(parts(of: path).reversed())
        var way: [String] = []
        var passed = ["/"]
        var links = 0
        while let part = waiting.popLast() {
            if part == "." { continue }
            if part == ".." {
                way = way.dropLast()
                continue
            }
            let next = "/" + (way + [part]).joined(separator: "/")
            guard let target = target(ofLink: next) else {
                way.append(part)
                passed.append(next)
                continue
            }
            links += 1
            guard links <= mostLinks else { break }
            if target.utf8.first == UInt8(ascii: "/") { way = [] }
            waiting += parts(of: target).reversed()
        }
        return passed.dropLast()
    }

    private static func parts(of path: String) -> [String] {
        path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
    }

    /// readlink(2); `nil` for what is no link.
    private static func target(ofLink path: String) -> String? {
        var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe target.withUnsafeMutableBytes { target in
            guard let start = target.baseAddress else { return -1 }
            return unsafe readlink(path, start.assumingMemoryBound(to: CChar.self), target.count)
        }
        return count < 0 ? nil : String(decoding: target.prefix(count), as: UTF8.self)
    }
}
