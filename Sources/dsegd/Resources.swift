import Glibc

/// What ships with the program: found from where the program lies, whatever the working directory is.
enum Resources {
    static var demoModel: String { "\(folder)/demo" }
    static var clipMerges: String { "\(folder)/clip/merges.txt" }
    static var benchPicture: String { "\(folder)/bench.jpg" }

    /// Beside the program where it was built, else where `make install` puts it.
    private static var folder: String {
        let built = "\(programFolder)/DiffSegmenter_dsegd.resources/Resources"
        return unsafe access(built, F_OK) == 0 ? built : "\(programFolder)/../share/dseg"
    }

    private static var programFolder: String {
        let path = unsafe [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { bytes, count in
            guard let start = bytes.baseAddress else { return }
            count = unsafe max(0, readlink("/proc/self/exe", start, bytes.count))
        }
        let end = path.lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex
        return String(decoding: path[..<end], as: UTF8.self)
    }
}
