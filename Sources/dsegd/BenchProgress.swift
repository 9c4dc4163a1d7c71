import Glibc
import Results

/// Says on standard error what is being measured, where a person looks on.
struct BenchProgress {
    private let isSeen = isatty(STDERR_FILENO) == 1

    func say(_ line: String) {
        if isSeen { Streams.say(line) }
    }
}
