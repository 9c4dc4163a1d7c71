import Glibc

/// A folder of a network or a tokenizer, whose small files are opened once each: whoever replaces one meanwhile, what
/// is parsed is what is hashed.
package final class ModelFolder {
    package let path: String
    /// By name; `nil`: there was none.
    private var known: [String: RegularFile?] = [:]

    /// Bytes of a file that is read at once and closed: vocabularies have some megabytes.
    private static let smallFile = 8 << 20

    package init(_ path: String) {
        self.path = path
    }

    /// Whether there is a file of this name, though it cannot be opened.
    package func has(_ name: String) -> Bool {
        do { return try found(name) != nil } catch { return true }
    }

    /// - Parameter name: relative to the folder
    package func file(_ name: String) throws(CheckpointError) -> RegularFile {
        guard let file = try found(name) else { throw .system(path: "\(path)/\(name)", call: "open", code: ENOENT) }
        return file
    }

    /// - Returns: `nil` where there is none, or was none when somebody asked first
    package func found(_ name: String) throws(CheckpointError) -> RegularFile? {
        if let known = known[name] { return known }
        let file: RegularFile?
        do throws(CheckpointError) {
            let opened = try RegularFile(path: "\(path)/\(name)")
            try opened.keep(atMost: Self.smallFile)
            file = opened
        } catch .system(_, _, ENOENT) {
            file = nil
        } catch .system(_, _, ENOTDIR) {
            file = nil
        }
        known[name] = .some(file)
        return file
    }

    /// Those of the files that there are, to be hashed.
    ///
    /// - Parameters:
    ///   - names: relative to the folder
    ///   - place: the folder's own, relative to the model's, with a `/` behind it; empty: it is the model's
    func hashed(_ names: [String], in place: String) throws(CheckpointError) -> [HashedFile] {
        var hashed: [HashedFile] = []
        for name in names {
            guard let file = try found(name) else { continue }
            hashed.append(HashedFile(name: place + name, file: file))
        }
        return hashed
    }
}
