import Glibc

/// What the system says of this process, by the names of Prometheus' client libraries; what it does not say is missing.
enum ProcessFacts {
    static var metrics: [Metric] { clocks + memory + descriptors }

    private static var clocks: [Metric] {
        let used = time(of: CLOCK_PROCESS_CPUTIME_ID).map {
            Metric.counter("process_cpu_seconds_total", "Processor time, of users and system, in seconds.", $0)
        }
        let start = started.map {
            Metric.gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", $0)
        }
        return [used, start].compactMap(\.self)
    }

    private static var memory: [Metric] {
        let fields = fields(of: "/proc/self/stat")
        let page = sysconf(CInt(_SC_PAGESIZE))
        func gauge(_ name: String, _ help: String, _ field: Field, times unit: Int) -> Metric? {
            fields[field].map { Metric.gauge(name, help, $0 * unit) }
        }
        return [
            gauge("process_resident_memory_bytes", "Resident memory in bytes.", .residentPages, times: page),
            gauge("process_virtual_memory_bytes", "Address space in bytes.", .virtualBytes, times: 1),
            gauge("process_threads", "Threads of the process.", .threads, times: 1),
        ].compactMap(\.self)
    }

    private static var descriptors: [Metric] {
        var limit = rlimit()
        let isKnown = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        return [
            openDescriptors.map { Metric.gauge("process_open_fds", "Open file descriptors.", $0) },
            isKnown
                ? Metric.gauge(
                    "process_max_fds", "File descriptors that may be open.", Int(clamping: limit.rlim_cur)) : nil,
        ].compactMap(\.self)
    }

    // MARK: /proc

    /// Fields of `/proc/self/stat`, by their numbers in proc(5).
    private enum Field: Int {
        case threads = 20
        /// In ticks since the system's start.
        case start = 22
        case virtualBytes = 23
        case residentPages = 24
    }

    /// The numbers behind the program's name, which may hold anything, blanks and parentheses too.
    private struct Fields {
        private let numbers: [Substring]

        init(_ text: String) {
            let end = text.utf8.lastIndex(of: UInt8(ascii: ")")).map { text.utf8.index(after: $0) } ?? text.endIndex
            numbers = text[end...].split(separator: " ")
        }

        /// `nil` where there is none.
        subscript(field: Field) -> Int? {
            // The third field is the first behind the name.
            let place = field.rawValue - 3
            return numbers.indices.contains(place) ? Int(numbers[place]) : nil
        }
    }

    private static func fields(of path: String) -> Fields {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return Fields("") }
        defer { close(descriptor) }
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { bytes, count in
            count = unsafe max(0, read(descriptor, bytes.baseAddress, bytes.count))
        }
        return Fields(String(decoding: bytes, as: UTF8.self))
    }

    /// But the one that counts them.
    private static var openDescriptors: Int? {
        guard let folder = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe closedir(folder) }
        var count = -1
        while let entry = unsafe readdir(folder) {
            if unsafe entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
        }
        return count
    }

    // MARK: Clocks

    /// Since 1970, computed once: that the clock is set later does not move it.
    private static let started: Duration? = {
        guard let ticks = fields(of: "/proc/self/stat")[.start], let now = time(of: CLOCK_REALTIME),
            let up = time(of: CLOCK_BOOTTIME)
        else { return nil }
        let tick = Duration.seconds(1) / sysconf(CInt(_SC_CLK_TCK))
        return now - up + tick * ticks
    }()

    private static func time(of clock: clockid_t) -> Duration? {
        var time = timespec()
        guard unsafe clock_gettime(clock, &time) == 0 else { return nil }
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
