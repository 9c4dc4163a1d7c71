import FoundationEssentials
import Kernels
import Support
import Testing

@Suite struct `memory that is left` {
    private let place: TemporaryDirectory

    init() throws {
        place = try TemporaryDirectory()
    }

    private func write(_ path: String, _ text: String) throws {
        let file = URL(filePath: "\(place.path)/\(path)")
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    private var left: Int? { AvailableMemory.left(below: place.path) }

    @Test func `is what the system has without swapping`() throws {
        #expect(left == nil)
        try write("proc/meminfo", "MemTotal:    24684120 kB\nMemAvailable:   23590000 kB\nBuffers: 1 kB\n")
        #expect(left == 23_590_000 << 10)
    }

    @Test func `is the least of the system's and of each control group's around the process`() throws {
        try write("proc/meminfo", "MemAvailable: 1000 kB\n")
        try write("proc/self/cgroup", "1:name=systemd:/other\n0::/system.slice/dsegd.service\n")
        #expect(left == 1_024_000, "groups without limits")
        let (slice, service) = ("sys/fs/cgroup/system.slice", "sys/fs/cgroup/system.slice/dsegd.service")
        try write("\(service)/memory.max", "max\n")
        try write("\(service)/memory.current", "5000\n")
        #expect(left == 1_024_000)
        try write("\(service)/memory.max", "900000\n")
        #expect(left == 895_000)
        try write("\(service)/memory.stat", "anon 4000\ninactive_file 300\nactive_file 20\n")
        #expect(left == 895_320, "files are dropped first")
        try write("\(service)/memory.high", "850000\n")
        #expect(left == 845_320, "above which the kernel slows it down")
        try write("\(slice)/memory.max", "800000\n")
        try write("\(slice)/memory.current", "6000\n")
        #expect(left == 794_000)
        try write("sys/fs/cgroup/memory.max", "700000\n")
        try write("sys/fs/cgroup/memory.current", "800000\n")
        #expect(left == 0)
    }

    @Test func `the least limit of the groups is told apart`() throws {
        func limit() -> Int? { AvailableMemory.groupLimit(below: place.path) }
        #expect(limit() == nil)
        try write("proc/self/cgroup", "0::/a.slice/b.service\n")
        try write("sys/fs/cgroup/a.slice/b.service/memory.max", "max\n")
        #expect(limit() == nil)
        try write("sys/fs/cgroup/a.slice/memory.max", "800000\n")
        #expect(limit() == 800_000)
        try write("sys/fs/cgroup/a.slice/b.service/memory.max", "900000\n")
        #expect(limit() == 800_000)
    }

    @Test func `is known of this process`() throws {
        let left = try #require(AvailableMemory.left)
        #expect(left > 1 << 20 && left < 1 << 50)
    }
}
