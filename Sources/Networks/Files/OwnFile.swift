import Glibc

/// A small file that belongs to this user alone: what another user may have written is not read.
struct OwnFile: Sendable {
    /// An absolute path.
    let folder: String
    let name: String
    /// In bytes: a longer file was not written by this type, and is not read.
    let limit: Int

    /// All bytes; empty where there is no such file, where it is a link, or where another user owns or may write to it
    /// or its folder.
    var contents: [UInt8] {
        guard let folder = Descriptor(ownFolder: folder) else { return [] }
        return contents(in: folder)
    }

    private func contents(in folder: Descriptor) -> [UInt8] {
        let flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        guard let file = Descriptor(unsafe openat(folder.number, name, flags)), let state = file.state,
            state.isOwn(S_IFREG), state.st_size <= limit
        else { return [] }
        return unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            count = max(0, unsafe Glibc.read(file.number, buffer.baseAddress, limit))
        }
    }

    /// Replaces the bytes by what `change` returns for them, atomically. Does nothing where that fails, or while
    /// another process holds the folder's lock.
    func replace(_ change: ([UInt8]) -> [UInt8]) {
        let folders = folder.split(separator: "/")
        for path in [folders.dropLast(), folders[...]] {
            unsafe mkdir("/" + path.joined(separator: "/"), 0o700)
        }
        guard let folder = Descriptor(ownFolder: folder), flock(folder.number, LOCK_EX | LOCK_NB) == 0 else { return }
        // Closing alone would leave it to a program that another thread starts, from its fork to its exec.
        defer { flock(folder.number, LOCK_UN) }
        let bytes = change(contents(in: folder))
        let temporary = name + ".new"
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
        unsafe unlinkat(folder.number, temporary, 0)  // left by a process that was killed
        guard let file = Descriptor(unsafe openat(folder.number, temporary, flags, 0o600)) else { return }
        guard unsafe Glibc.write(file.number, bytes, bytes.count) == bytes.count,
            unsafe renameat(folder.number, temporary, folder.number, name) == 0
        else {
            unsafe unlinkat(folder.number, temporary, 0)
            return
        }
    }
}

/// An open file or folder, closed with its owner.
private final class Descriptor {
    let number: CInt

    /// - Parameter opened: what `open` returned
    init?(_ opened: CInt) {
        guard opened >= 0 else { return nil }
        number = opened
    }

    /// A folder that only this user may write to. Links in its path are followed: systemd's CacheDirectory is one.
    convenience init?(ownFolder path: String) {
        self.init(unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        guard let state, state.isOwn(S_IFDIR) else { return nil }
    }

    deinit { close(number) }

    var state: stat? {
        var state = stat()
        return unsafe fstat(number, &state) == 0 ? state : nil
    }
}

extension stat {
    /// Whether the file is of this kind (`S_IFREG`, `S_IFDIR`), owned by this user, and writable by nobody else.
    fileprivate func isOwn(_ kind: mode_t) -> Bool {
        st_mode & S_IFMT == kind && st_uid == geteuid() && st_mode & (S_IWGRP | S_IWOTH) == 0
    }
}
