import Glibc

/// The program that runs.
package enum Program {
    /// The folder that the program's file lies in, whatever the working directory is.
    package static var folder: String {
        let path = unsafe [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { bytes, count in
            guard let start = bytes.baseAddress else { return }
            count = unsafe max(0, readlink("/proc/self/exe", start, bytes.count))
        }
        let end = path.lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex
        return String(decoding: path[..<end], as: UTF8.self)
    }
}
