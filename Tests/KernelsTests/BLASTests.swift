import CKernels
import Glibc
import Kernels
import Support
import Testing

/// The variable by which OpenBLAS is told a core, once, as it is loaded.
private let variable = "OPENBLAS_CORETYPE"

/// What must hold in a process whose environment may name a core: run by ``BLASTests`` in processes of their own.
@Suite struct BLASCoreTests {
    @Test func `dseg_blas_core is the core that the environment names, where it names one`() {
        let core = unsafe String(cString: dseg_blas_core())
        #expect(!core.isEmpty && !core.contains(" "))
        #expect(BLAS.name.hasSuffix(" \(core)"), "\(BLAS.name)")
        guard let value = unsafe getenv(variable) else { return }
        let told = unsafe String(cString: value)
        #expect(core == told)
    }

    @Test func `the same shapes and numbers have the same bits with the kernels of any core`() {
        ThreadTests().`the bits of an answer depend neither on the threads nor on the time`()
        let product = ProductTests()
        product.`dseg_linear is x wᵀ + bias at every number of rows`()
        product.`the bits of a row and of an output do not depend on the numbers of the others`()
        SameBitsTests().`the bits of a product do not depend on where its operands lie`()
    }
}

/// The address space of this process, in bytes.
private func addressSpace() throws -> Int {
    let statm = try unsafe #require(fopen("/proc/self/statm", "re"))
    defer { unsafe fclose(statm) }
    var line = [CChar](repeating: 0, count: 256)
    _ = unsafe fgets(&line, 256, statm)
    return unsafe atol(line) * sysconf(CInt(_SC_PAGESIZE))
}

@Suite struct BLASTests {
    @Test func `dseg_blas_build begins with OpenBLAS and a version, and so does the name`() throws {
        let words = unsafe String(cString: dseg_blas_build()).split(separator: " ")
        try #require(words.count > 2 && words[0] == "OpenBLAS")
        let version = words[1].split(separator: ".", omittingEmptySubsequences: false)
        #expect(version.count == 3, "\(words[1])")
        #expect(version.allSatisfy { !$0.isEmpty && $0.allSatisfy { ("0"..."9").contains($0) } }, "\(words[1])")
        let core = unsafe String(cString: dseg_blas_core())
        #expect(BLAS.name == "OpenBLAS \(words[1]) \(core)")
    }

    /// A buffer that is missing cannot be mapped, and OpenBLAS tries for ever: until the alarm.
    @Test func `dseg_reserve_blas maps buffers that serve all threads`() async {
        await #expect(processExitsWith: .success) {
            try Threads.start(4)
            let first = try addressSpace()
            dseg_reserve_blas(Threads.count)
            let reserved = try addressSpace()
            #expect(reserved - first >= Threads.count << 24)
            let most = rlim_t(reserved + (reserved - first) / Threads.count)
            var limit = rlimit(rlim_cur: most, rlim_max: most)
            #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0)
            alarm(600)
            for _ in 0..<3 { _ = answers() }
        }
    }

    #if arch(x86_64)
        private static let cores = ["Nehalem", "Prescott"]
    #else
        private static let cores = ["ARMV8"]
    #endif

    @Test(arguments: cores) func `a process that is told a core names it, and keeps the law`(core: String) throws {
        let folder = try TemporaryDirectory()
        let child = try Child(
            [CommandLine.arguments[0], "--testing-library", "swift-testing", "--filter", "BLASCoreTests"],
            environment: [variable: core], errors: "\(folder.path)/log")
        #expect(child.exitCode == 0)
    }
}
