import Glibc
import LocalEngine
import RPC
import Results

/// The programs and the system that they run on.
enum ProgramExamination {
    static var observations: [Observation] {
        [
            .ok("dsegd", "\(Version.current), \(build) build, \(Program.folder)/dsegd"), client, .ok("system", system),
        ]
    }

    private static var build: String {
        #if DEBUG
            "debug"
        #else
            "release"
        #endif
    }

    /// The client beside this program, or on PATH.
    private static var client: Observation {
        let program = Program.sibling("dseg")
        let isBeside = program != "dseg"
        let place = isBeside ? program : "on PATH"
        guard let ending = OtherProgram.run([program, "--version"], within: .seconds(5)), ending.code == 0 else {
            return .fault(
                "dseg", isBeside ? "\(program) does not run" : "is neither beside dsegd nor on PATH",
                advice: "install dseg beside dsegd")
        }
        let version = Streams.excerpt(ending.line)
        guard version == Version.current else {
            return .note(
                "dseg", "is of version \(version), dsegd of \(Version.current): \(place)",
                advice: "install both programs of one version")
        }
        return .ok("dseg", "\(version), \(place)")
    }

    private static var system: String {
        var names = utsname()
        unsafe uname(&names)
        let kernel = unsafe withUnsafeBytes(of: &names.release) { unsafe text($0) }
        let machine = unsafe withUnsafeBytes(of: &names.machine) { unsafe text($0) }
        let release = TextFile.lines(of: "/etc/os-release").lazy.compactMap { line in
            line.hasPrefix("PRETTY_NAME=") ? line.dropFirst("PRETTY_NAME=".count).filter { $0 != "\"" } : nil
        }.first
        return "\(release ?? "unknown release"), Linux \(kernel) \(machine), \(library)"
    }

    /// "glibc 2.36", for example.
    private static var library: String {
        let length = confstr(CInt(_CS_GNU_LIBC_VERSION), nil, 0)
        var name = [CChar](repeating: 0, count: length)
        unsafe confstr(CInt(_CS_GNU_LIBC_VERSION), &name, length)
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}

/// What computes, and in how much memory.
enum ProcessorExamination {
    /// Instructions that kernels are compiled for, as /proc/cpuinfo calls them on x86 and on Arm.
    private static let flags = ["avx2", "fma", "avx512f", "avx512_vnni", "asimd", "asimddp"]

    static var observations: [Observation] { [processor] + arithmetic + [memory, addresses, files] }

    private static var processor: Observation {
        let lines = TextFile.lines(of: "/proc/cpuinfo")
        func value(_ key: String) -> Substring? {
            lines.first { $0.hasPrefix(key) }.flatMap { $0.split(separator: ":", maxSplits: 1).dropFirst().first }
        }
        let name = (value("model name") ?? value("CPU part")).map { $0.drop { $0 == " " } } ?? "unknown"
        let all = Set((value("flags") ?? value("Features") ?? "").split(separator: " "))
        let known = flags.filter { all.contains(Substring($0)) }
        return .ok(
            "processor",
            "\(name), \(sysconf(CInt(_SC_NPROCESSORS_ONLN))) cores, "
                + (known.isEmpty ? "none of the known instructions" : known.joined(separator: " ")))
    }

    private static var arithmetic: [Observation] {
        do {
            let arithmetic = try Arithmetic.started()
            let instructions = "\(arithmetic.instructions), so \(arithmetic.precision) where --precision is not given"
            let chosen: Observation =
                arithmetic.choice.map {
                    .note("instructions", "\(instructions); chosen by \(Streams.excerpt($0))", advice: nil)
                } ?? .ok("instructions", instructions)
            return [
                chosen,
                .ok("threads", "\(arithmetic.threads), one for each core that this process may use"),
                .ok("BLAS", "\(arithmetic.blas), one thread, for dsegd cuts the work itself"),
            ]
        } catch {
            return [.fault("instructions", Streams.printable("\(error)"), advice: nil)]
        }
    }

    private static var memory: Observation {
        let memory = MemoryLeft()
        let physical = sysconf(CInt(_SC_PHYS_PAGES)) * sysconf(CInt(_SC_PAGESIZE))
        var text = "\(Amount.bytes(UInt64(max(0, physical)))) physical"
        if let free = memory.free { text += ", \(Amount.bytes(UInt64(free))) free for this process" }
        text +=
            memory.groupLimit.map { ", a control group's limit of \(Amount.bytes(UInt64($0)))" }
            ?? ", no control group limits it"
        return .ok("memory", text)
    }

    private static var addresses: Observation {
        guard let left = MemoryLeft().addresses else { return .ok("ulimit -v", "unlimited") }
        return .note(
            "ulimit -v", "\(Amount.bytes(UInt64(left))) are left: weights are mapped, and each thread maps buffers",
            advice: "ulimit -v unlimited")
    }

    private static var files: Observation {
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        // Each connection of a daemon is an open file.
        guard limit.rlim_cur < 1024 else { return .ok("ulimit -n", "\(limit.rlim_cur)") }
        return .note("ulimit -n", "\(limit.rlim_cur): a daemon takes fewer connections", advice: "ulimit -n 4096")
    }
}

/// Files of the system that have a few lines.
enum TextFile {
    /// None where it cannot be read.
    static func lines(of path: String) -> [Substring] {
        guard let bytes = try? InputFile.regularBytes(at: path, limit: 1 << 20) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
    }
}
