import Glibc

/// The target that this process runs.
nonisolated(unsafe) private var chosen = FuzzTarget.all[0]
/// What libFuzzer is told, which it refers to as long as it runs.
nonisolated(unsafe) private var flags: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?

/// The program, which the linker knows by this name: its `main`.
///
/// ```
/// fuzz list                           the targets' names, one a line
/// fuzz run TARGET FOLDER [FLAG...]    libFuzzer on a target; its corpus, seeds and dictionary lie below FOLDER
/// fuzz replay TARGET FILE...          each file once
/// ```
@_cdecl("fuzz_main")
public func program(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    let words = unsafe (0..<Int(count)).compactMap { place in
        unsafe arguments[place].map { unsafe String(cString: $0) }
    }
    guard words.count > 3, let target = FuzzTarget.named(words[2]) else {
        for target in FuzzTarget.all { unsafe puts(target.name) }
        return words.count == 2 && words[1] == "list" ? 0 : 64
    }
    unsafe chosen = target
    let (own, rest) = words[1] == "run" ? (target.prepare(in: words[3]), words.dropFirst(4)) : ([], words.dropFirst(3))
    let all = words.prefix(1) + own + target.limits + rest
    var number = CInt(all.count)
    let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: all.count + 1)
    for (place, word) in all.enumerated() { unsafe (list + place).initialize(to: strdup(word)) }
    unsafe (list + all.count).initialize(to: nil)
    unsafe flags = unsafe list
    return unsafe runDriver(&number, &flags, testOneInput)
}

/// libFuzzer as a library.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let before = processorSeconds
    unsafe chosen.run(Array(UnsafeBufferPointer(start: start, count: count)))
    let taken = processorSeconds - before
    require(taken < Double(FuzzTarget.seconds), "\(count) bytes took \(taken) s")
    return 0
}

/// What this thread has taken of a processor.
private var processorSeconds: Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Ends the process where a law does not hold: libFuzzer keeps the input.
func require(_ holds: Bool, _ law: @autoclosure () -> String, line: UInt = #line) {
    guard !holds else { return }
    let words = Array("a law does not hold, line \(line): \(law())\n".utf8)
    unsafe write(STDERR_FILENO, words, words.count)
    abort()
}
