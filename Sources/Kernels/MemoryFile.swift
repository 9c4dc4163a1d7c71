import CKernels
import Glibc

/// A file in memory, without a name (memfd_create(2)). It lives as long as anybody has it open or mapped, whatever
/// becomes of the process that made it.
package final class MemoryFile {
    package let descriptor: CInt
    /// Whether it is closed with this value.
    private var isOwn: Bool

    /// A file of zeros, which takes no memory yet.
    ///
    /// - Returns: `nil` where the system has none to give, or the process may have no file so large
    package init?(bytes: Int) {
        // Of a larger file the kernel would tell by a signal.
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0, limit.rlim_cur >= bytes else {
            return nil
        }
        descriptor = unsafe dseg_memory_file("dseg weights")
        isOwn = descriptor >= 0
        guard isOwn, ftruncate(descriptor, bytes) == 0 else { return nil }
    }

    /// A descriptor of any kind, which others close.
    package init(borrowed descriptor: CInt) {
        (self.descriptor, isOwn) = (descriptor, false)
    }

    deinit {
        if isOwn { close(descriptor) }
    }

    /// The descriptor, for whoever closes it from here on.
    package func giveAway() -> CInt {
        isOwn = false
        return descriptor
    }

    /// In bytes; `nil` of what is no file in memory, or not sealed for good.
    package var sealedSize: Int? {
        guard dseg_is_sealed(descriptor) else { return nil }
        var state = stat()
        return unsafe fstat(descriptor, &state) == 0 ? state.st_size : nil
    }

    /// Lets nobody change the file any more; `false` where that cannot be: somebody has it mapped for writing.
    package func seal() -> Bool { dseg_seal_file(descriptor) }

    /// Bytes from an offset on; `nil` where there are not so many.
    package func bytes(_ count: Int, at offset: Int) -> [UInt8]? {
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, read in
            read = max(0, unsafe pread(descriptor, buffer.baseAddress, count, offset))
        }
        return bytes.count == count ? bytes : nil
    }

    /// Writes bytes from an offset on; `false` where that fails.
    package func write(_ bytes: [UInt8], at offset: Int) -> Bool {
        unsafe pwrite(descriptor, bytes, bytes.count, offset) == bytes.count
    }

    /// Of x86-64, and of Arm with pages of 4 KiB.
    static let hugePage = 2 << 20

    /// Takes the memory of a range, in huge pages where the system has them: fewer page faults while it is filled, and
    /// in each process that maps it. Whether memory files may grow by huge pages is a setting (`shmem_enabled`) that is
    /// mostly off; but a page that is there may always be widened to one.
    ///
    /// - Parameters:
    ///   - range: of bytes that are not taken yet, from the start of a huge page on
    ///   - base: where the file is mapped
    /// - Returns: `false` where there is not enough
    func commit(_ range: Range<Int>, at base: UnsafeMutableRawPointer) -> Bool {
        let whole = range.count / Self.hugePage * Self.hugePage
        for offset in stride(from: range.lowerBound, to: range.lowerBound + whole, by: Self.hugePage) {
            guard write([0], at: offset) else { return false }
        }
        if whole > 0 { unsafe dseg_collapse_pages(base + range.lowerBound, whole) }
        return dseg_commit_file(descriptor, range.lowerBound, range.count)
    }
}
