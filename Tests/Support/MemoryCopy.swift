import Glibc
import RPC

/// Copies of what a service manager keeps, with a fault each.
package enum MemoryCopy {
    package enum Fault: CaseIterable, Sendable {
        /// A byte of the weights is another.
        case firstByte
        case middleByte
        /// A byte is another of what the file says of its weights, which is behind them.
        case description
        case shorter
        case longer
        case unsealed
        /// Its bytes may still be written.
        case writable
        case empty
        /// It is no memory file.
        case file
        case pipe
    }

    /// Of memfd_create(2) and fcntl(2).
    private static let (addSeals, getSeals, allowsSealing): (CInt, CInt, CUnsignedInt) = (1033, 1034, 2)
    private static let writeSeal: CInt = 8
    /// Seals, and those against shrinking, growing and writing.
    private static let allSeals: CInt = 15
    /// What a file says of itself, at its end.
    private static let descriptionBytes = 64 << 10

    /// Whether nobody can change it any more; there may be further seals, such as that against execution.
    package static func isSealed(_ descriptor: CInt) -> Bool {
        let seals = fcntl(descriptor, getSeals)
        return seals >= 0 && seals & allSeals == allSeals
    }

    package static func make(of original: CInt, with fault: Fault) throws -> CInt {
        var bytes = try contents(of: original)
        switch fault {
        case .firstByte: bytes[0] ^= 1
        case .middleByte: bytes[(bytes.count - descriptionBytes) / 2] ^= 0x40
        case .description: bytes[bytes.count - descriptionBytes + 12] ^= 1
        case .shorter: bytes.removeLast(4096)
        case .longer: bytes += [UInt8](repeating: 0, count: 4096)
        case .empty: bytes = []
        case .unsealed, .writable, .file, .pipe: break
        }
        switch fault {
        case .pipe: return try pipe()
        case .file:
            var path = Array("/tmp/dseg-XXXXXX".utf8CString)
            let descriptor = unsafe mkstemp(&path)
            guard descriptor >= 0 else { throw failure("mkstemp") }
            unsafe unlink(path)
            try fill(descriptor, bytes)
            return descriptor
        default:
            let descriptor = try memoryFile()
            try fill(descriptor, bytes)
            let seals = fault == .unsealed ? 0 : fault == .writable ? allSeals & ~writeSeal : allSeals
            guard fcntl(descriptor, addSeals, seals) == 0 else { throw failure("F_ADD_SEALS") }
            return descriptor
        }
    }

    /// Whoever reads it waits for ever: its only writer is whoever has it.
    private static func pipe() throws -> CInt {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/pipe"
        guard unsafe mkfifo(path, 0o600) == 0, case let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC),
            descriptor >= 0
        else { throw failure("mkfifo") }
        return descriptor
    }

    private static func memoryFile() throws -> CInt {
        // The C library has it, its module for Swift does not.
        typealias Function = @convention(c) (UnsafePointer<CChar>, CUnsignedInt) -> CInt
        guard let symbol = unsafe dlsym(nil, "memfd_create") else { throw failure("memfd_create") }
        let descriptor = unsafe unsafeBitCast(symbol, to: Function.self)("copy", allowsSealing | 1)
        guard descriptor >= 0 else { throw failure("memfd_create") }
        return descriptor
    }

    private static func contents(of descriptor: CInt) throws -> [UInt8] {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure("fstat") }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeMutableBytes { bytes in
                unsafe pread(descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done, off_t(done))
            }
            guard count > 0 else { throw failure("pread") }
            done += count
        }
        return bytes
    }

    private static func fill(_ descriptor: CInt, _ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe write(descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done)
            }
            guard count > 0 else { throw failure("write") }
            done += count
        }
    }

    private static func failure(_ call: String) -> RPCStatus { RPCStatus(.internal, "\(call): errno \(errno)") }
}
