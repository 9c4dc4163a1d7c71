import Glibc

/// The address space that this process may still take (`ulimit -v`). Swift aborts the process where an allocation
/// fails, so large allocations ask here first.
package enum AddressSpace {
    /// Bytes; `nil` where nothing limits them.
    package static var left: Int? {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
            limit.rlim_cur < rlim_t(Int.max)
        else { return nil }
        return max(0, Int(limit.rlim_cur) - taken)
    }

    private static var taken: Int {
        guard let file = unsafe fopen("/proc/self/statm", "re") else { return 0 }
        defer { unsafe fclose(file) }
        var pages = 0
        while case let digit = unsafe fgetc(file), (0x30...0x39).contains(digit) {
            pages = pages * 10 + Int(digit - 0x30)
        }
        return pages * sysconf(CInt(_SC_PAGESIZE))
    }

    /// Maps zeroed memory that takes no pages before they are written; its owner unmaps it.
    ///
    /// - Parameter what: the purpose of the bytes, for the error
    static func reserve(_ bytes: Int, for what: String) throws(AddressSpaceError) -> UnsafeMutableRawPointer {
        try require(bytes, for: what)
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let address = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw AddressSpaceError(what: what, bytes: bytes, refused: errno)
        }
        unsafe preferHugePages(UnsafeMutableRawBufferPointer(start: address, count: bytes))
        return unsafe address
    }

    /// Has memory taken in huge pages as it is written, where the system has them: fewer page faults, and the kernel
    /// clears it several times as fast.
    package static func preferHugePages(_ memory: UnsafeMutableRawBufferPointer) {
        guard memory.count >= MemoryFile.hugePage, let base = memory.baseAddress else { return }
        let whole = unsafe base.alignedUp(toMultipleOf: sysconf(CInt(_SC_PAGESIZE)))
        unsafe madvise(whole, memory.count - (whole - base), MADV_HUGEPAGE)
    }

    /// Puts zeroed memory in the place of what is mapped at an address.
    ///
    /// - Parameter what: the purpose of the bytes, for the error
    static func renew(_ address: UnsafeMutableRawPointer, _ bytes: Int, for what: String) throws(AddressSpaceError) {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard unsafe replace(address, bytes, PROT_READ | PROT_WRITE, flags, -1) else {
            throw AddressSpaceError(what: what, bytes: bytes, refused: errno)
        }
        unsafe preferHugePages(UnsafeMutableRawBufferPointer(start: address, count: bytes))
    }

    /// Maps over what is mapped at an address; parameters as of mmap(2).
    ///
    /// - Returns: `false` where that failed: then what was mapped stays
    static func replace(
        _ address: UnsafeMutableRawPointer, _ bytes: Int, _ protection: CInt, _ flags: CInt, _ descriptor: CInt
    ) -> Bool {
        unsafe mmap(address, bytes, protection, flags | MAP_FIXED, descriptor, 0) != MAP_FAILED
    }

    /// - Parameter what: the purpose of the bytes, for the error
    package static func require(_ bytes: Int, for what: String) throws(AddressSpaceError) {
        if let left, left < bytes { throw AddressSpaceError(what: what, bytes: bytes, left: left) }
    }
}

/// Memory that could not be reserved.
package struct AddressSpaceError: Error, Equatable, CustomStringConvertible {
    package let what: String
    package let bytes: Int
    private let cause: Cause

    private enum Cause: Equatable {
        /// Bytes up to the limit of this process.
        case limit(left: Int)
        /// The `errno` of mmap(2).
        case refused(CInt)
    }

    package init(what: String, bytes: Int, left: Int) {
        (self.what, self.bytes, cause) = (what, bytes, .limit(left: left))
    }

    fileprivate init(what: String, bytes: Int, refused errno: CInt) {
        (self.what, self.bytes, cause) = (what, bytes, .refused(errno))
    }

    package var description: String {
        let needed = "\(what) needs \(bytes >> 20) MiB of address space"
        switch cause {
        case .limit(let left):
            return "\(needed), \(left >> 20) MiB are left: raise the limit of \(limit) (ulimit -v)"
        case .refused(let errno):
            let advice = errno == ENOMEM ? "; let it overcommit (vm.overcommit_memory)" : ""
            return "\(needed), which the system refused: \(unsafe String(cString: strerror(errno)))\(advice)"
        }
    }

    private var limit: String {
        var limit = rlimit()
        return unsafe getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0
            ? "\(limit.rlim_cur >> 20) MiB" : "this process"
    }
}
