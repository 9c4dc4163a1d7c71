import Glibc

extension FuzzTarget {
    /// A planted fault, by which `run.sh` knows that faults are found: five bytes, each of which only coverage tells,
    /// lead to a read behind the end of memory, which only AddressSanitizer sees.
    static let control = FuzzTarget(
        name: "control", longest: 64, mebibytes: 1024, words: [Array("dictionary".utf8)], seeds: { [[0]] },
        run: { bytes in
            guard bytes.starts(with: "fault".utf8) else { return }
            let room = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
            defer { unsafe room.deallocate() }
            unsafe memset(room, 1, bytes.count)
            unsafe bytes.withUnsafeBufferPointer { bytes in
                // One byte too many.
                require(unsafe memcmp(room, room + 1, bytes.count) <= 0, "\(unsafe bytes[0])")
            }
        })
}
