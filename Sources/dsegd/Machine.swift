/// Where figures are taken.
enum Machine {
    /// The processor's name.
    static var processor: String {
        ProcessFile("/proc/cpuinfo").value("model name") ?? "unknown processor"
    }

    /// How many processors this process may use.
    static var processors: Int {
        let mask = ProcessFile("/proc/self/status").value("Cpus_allowed") ?? ""
        return max(1, mask.reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) })
    }
}
