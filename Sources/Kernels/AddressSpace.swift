import Glibc

/// The address space that this process may still take (`ulimit -v`). Where it ends, allocating ends the process.
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

    /// - Parameter what: needs the bytes
    package static func require(_ bytes: Int, for what: String) throws(AddressSpaceError) {
        if let left, left < bytes { throw AddressSpaceError(what: what, bytes: bytes, left: left) }
    }
}

/// Why something has no place in memory.
package struct AddressSpaceError: Error, Equatable, CustomStringConvertible {
    package let what: String
    package let bytes: Int
    /// Before the limit of this process, or `nil` where the system refused for another reason.
    package let left: Int?

    package init(what: String, bytes: Int, left: Int?) {
        self.what = what
        self.bytes = bytes
        self.left = left
    }

    package var description: String {
        let needed = "\(what) needs \(bytes >> 20) MiB of address space"
        guard let left else { return "\(needed), which the system refused: let it overcommit (vm.overcommit_memory)" }
        return "\(needed), \(left >> 20) MiB are left: raise the limit of \(limit) (ulimit -v)"
    }

    private var limit: String {
        var limit = rlimit()
        return unsafe getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0
            ? "\(limit.rlim_cur >> 20) MiB" : "this process"
    }
}
