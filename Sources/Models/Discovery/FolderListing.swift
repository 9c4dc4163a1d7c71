import Glibc
import Texts

/// A file or folder as the file system numbers it: the same under all its names.
struct RealFile: Hashable {
    let device: UInt64
    let inode: UInt64
    /// Bytes.
    let size: Int
    let kind: Kind

    enum Kind { case file, folder, other }

    /// What `path` leads to; `nil`, with `errno` set, where that is nothing.
    init?(_ path: String) {
        var state = stat()
        guard unsafe stat(path, &state) == 0 else { return nil }
        device = UInt64(state.st_dev)
        inode = UInt64(state.st_ino)
        size = Int(state.st_size)
        kind = state.st_mode & S_IFMT == S_IFREG ? .file : state.st_mode & S_IFMT == S_IFDIR ? .folder : .other
    }
}

/// What a folder holds, sorted by the names' bytes.
struct FolderListing {
    /// What lies under a name; a link is what it leads to.
    enum Kind { case file, folder, linkedFolder, dangling, other }

    struct Item {
        let name: String
        let kind: Kind
    }

    /// Names that are no UTF-8 are left out: no path to them can be told.
    let items: [Item]

    /// Why a folder cannot be read.
    struct Fault: Error {
        let code: Int32
    }

    init(_ path: String) throws(Fault) {
        guard let stream = unsafe opendir(path) else { throw Fault(code: errno) }
        defer { unsafe closedir(stream) }
        var found: [Item] = []
        errno = 0
        while let entry = unsafe readdir(stream) {
            let type = unsafe entry.pointee.d_type
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let name, name != ".", name != ".." {
                found.append(Item(name: name, kind: FolderListing.kind(of: "\(path)/\(name)", Int(type))))
            }
            errno = 0
        }
        guard errno == 0 else { throw Fault(code: errno) }
        items = found.sorted { ExactString($0.name) < ExactString($1.name) }
    }

    private static func kind(of path: String, _ type: Int) -> Kind {
        switch type {
        case Int(DT_REG): return .file
        case Int(DT_DIR): return .folder
        case Int(DT_LNK), Int(DT_UNKNOWN):
            guard let real = RealFile(path) else { return .dangling }
            return real.kind == .file ? .file : real.kind == .folder ? .linkedFolder : .other
        default: return .other
        }
    }

    func has(_ name: ExactString, _ kinds: Set<Kind>) -> Bool {
        items.contains { ExactString($0.name) == name && kinds.contains($0.kind) }
    }

    func hasFolder(_ name: ExactString) -> Bool { has(name, [.folder, .linkedFolder]) }
    func hasFile(_ name: ExactString) -> Bool { has(name, [.file]) }
}
