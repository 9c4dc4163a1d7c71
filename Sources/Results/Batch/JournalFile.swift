import Glibc
import RPC
import Synchronization

/// A file of lines to which lines are only added, and which survives whatever ends the program: a line that was cut off
/// or that a power cut left filled with NUL is known as such, and taken away before the next is added.
///
/// Each line is a JSON object whose first member, `sum`, is the fingerprint of the object without it. The file is
/// locked (flock(2)) for as long as this value lives.
package final class JournalFile: Sendable {
    private struct End {
        /// Bytes of the lines that are intact.
        var intact: Int
        /// Whether there is something behind them.
        var isTorn: Bool
    }

    package let path: String
    /// The intact lines, without their sums.
    package let lines: [String]
    private let descriptor: CInt
    private let end: Mutex<End>

    /// Opens the file, or makes it, and locks it. Nothing is changed in one that exists.
    ///
    /// - Throws: ``JournalError``, `FileError`
    package init(_ path: String) throws {
        let descriptor = try Self.locked(path)
        do {
            let bytes = try Self.bytes(of: descriptor, path)
            let (lines, intact) = try Self.lines(in: bytes, path)
            end = Mutex(End(intact: intact, isTorn: intact < bytes.count))
            self.lines = lines
        } catch {
            Self.release(descriptor)
            throw error
        }
        (self.path, self.descriptor) = (path, descriptor)
    }

    deinit {
        removeIfEmpty()
        Self.release(descriptor)
    }

    /// Adds an object, by one write(2) where the disk has room.
    ///
    /// - Parameter object: JSON of one line, with at least one member
    package func append(_ object: String) throws(FileError) {
        let line = Array(Self.line(of: object).utf8)
        try end.withLock { end throws(FileError) in
            if end.isTorn {
                guard ftruncate(descriptor, off_t(end.intact)) == 0 else { throw cannotWrite() }
                end.isTorn = false
            }
            end.isTorn = true
            var rest = line[...]
            while !rest.isEmpty {
                let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                // After a part was written this says why it was no more.
                guard count >= 0 else { throw cannotWrite() }
                rest = rest.dropFirst(count)
            }
            end.isTorn = false
            end.intact += line.count
        }
    }

    /// Removes a file in which nothing was written, so that a run that was refused leaves none behind.
    package func removeIfEmpty() {
        end.withLock { end in
            guard end.intact == 0, !end.isTorn, let opened = FileStatus(descriptor: descriptor),
                let named = FileStatus(path, followingLinks: false), named.isSame(as: opened)
            else { return }
            _ = unsafe PathText.withName(of: path) { unsafe unlink($0) }
        }
    }

    private func cannotWrite() -> FileError { .cannotWrite(path: path, reason: Self.reason) }

    private static var reason: String { unsafe String(cString: strerror(errno)) }

    // MARK: Lines

    private static let opening = Array("{\"sum\":\"".utf8)
    private static let closing = Array("\",".utf8)

    private static func line(of object: String) -> String {
        let sum = Fingerprint(of: object.utf8).text
        return String(decoding: opening, as: UTF8.self) + sum + String(decoding: closing, as: UTF8.self)
            + object.dropFirst() + "\n"
    }

    /// The object of a line; `nil` where the line is damaged.
    private static func object(of line: ArraySlice<UInt8>) -> String? {
        guard line.starts(with: opening) else { return nil }
        let sum = line.dropFirst(opening.count).prefix(Fingerprint.length)
        let rest = line.dropFirst(opening.count + Fingerprint.length)
        guard rest.starts(with: closing) else { return nil }
        let object = [UInt8(ascii: "{")] + rest.dropFirst(closing.count)
        guard sum.elementsEqual(Fingerprint(of: object).text.utf8) else { return nil }
        return String(decoding: object, as: UTF8.self)
    }

    /// The intact lines, and how many bytes they have.
    private static func lines(in bytes: [UInt8], _ path: String) throws(JournalError) -> ([String], Int) {
        // What follows the last line end is no line yet.
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
        let objects = lines.map(object)
        guard let last = objects.lastIndex(where: { $0 != nil }) else {
            guard bytes.isEmpty || isTornLine(bytes) else {
                throw bytes.starts(with: opening) ? .damaged(path: path, line: 1) : .noJournal(path: path)
            }
            return ([], 0)
        }
        if let place = objects[...last].firstIndex(where: { $0 == nil }) {
            throw .damaged(path: path, line: place + 1)
        }
        return (objects[...last].compactMap(\.self), lines[last].endIndex + 1)
    }

    /// Whether a file without an intact line is the beginning of a first one: cut off, or with NUL where a power cut
    /// kept the size of what was written alone.
    private static func isTornLine(_ bytes: [UInt8]) -> Bool {
        let written = bytes.prefix { $0 != 0 }
        return bytes.dropFirst(written.count).allSatisfy { $0 == 0 } && !written.contains(UInt8(ascii: "\n"))
            && zip(written, opening).allSatisfy(==)
    }

    // MARK: Opening

    private static func locked(_ path: String) throws -> CInt {
        while true {
            let descriptor = unsafe PathText.withName(of: path) {
                unsafe open($0, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o644)
            }
            guard descriptor >= 0 else { throw FileError.cannotWrite(path: path, reason: reason) }
            do {
                if try isLocked(descriptor, path) { return descriptor }
            } catch {
                close(descriptor)
                throw error
            }
            Self.release(descriptor)
        }
    }

    /// Unlocks and closes. Closing alone would leave the lock to a program that another thread starts, which has a copy
    /// of the descriptor from its fork to its exec.
    private static func release(_ descriptor: CInt) {
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Locks an open file; `false` where its name is by now that of another file, or of none.
    private static func isLocked(_ descriptor: CInt, _ path: String) throws -> Bool {
        guard let opened = FileStatus(descriptor: descriptor) else {
            throw FileError.cannotRead(path: path, reason: reason)
        }
        guard opened.isFile else { throw JournalError.noJournal(path: path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw errno == EWOULDBLOCK
                ? JournalError.inUse(path: path) : FileError.cannotWrite(path: path, reason: reason)
        }
        return FileStatus(path)?.isSame(as: opened) == true
    }

    private static func bytes(of descriptor: CInt, _ path: String) throws(FileError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw .cannotRead(path: path, reason: reason) }
            if count == 0 { return bytes }
            bytes += chunk.prefix(count)
        }
    }
}
