package import RPC
import Texts

/// Amounts as tables and lines for people show them.
package enum Amount {
    /// "1.9 GiB", "17.4 MiB".
    package static func bytes(_ count: UInt64) -> String {
        let (number, unit) = parts(count)
        return "\(number) \(unit)"
    }

    /// "0.8 of 1.9 GiB", or "12.3 MiB of 1.9 GiB".
    static func bytes(_ count: UInt64, of total: UInt64) -> String {
        let (part, whole) = (parts(count), parts(total))
        return "\(part.number)\(part.unit == whole.unit ? "" : " \(part.unit)") of \(whole.number) \(whole.unit)"
    }

    /// Tenths are cut, not rounded: what is not all is not shown as all.
    private static func parts(_ count: UInt64) -> (number: String, unit: String) {
        let (unit, name): (UInt64, String) = count >= 1 << 30 ? (1 << 30, "GiB") : (1 << 20, "MiB")
        return ("\(count / unit).\(count % unit * 10 / unit)", name)
    }

    /// "340 ms", "1.5 s"; "-" for none.
    static func time(milliseconds: Float) -> String {
        guard milliseconds.isFinite, milliseconds > 0, milliseconds < 1e9 else { return "-" }
        if milliseconds < 9.95 { return "\(tenths(milliseconds)) ms" }
        if milliseconds < 999.5 { return "\(Int(milliseconds.rounded())) ms" }
        return "\(tenths(milliseconds / 1000)) s"
    }

    /// "3 s", rounded up, so that a wait is not told shorter than it is.
    package static func seconds(_ time: Duration) -> String {
        "\(Int(max(0, time / .seconds(1)).rounded(.up))) s"
    }

    private static func tenths(_ number: Float) -> String {
        let tenths = Int((number * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// "4 minutes", to the second rounded and then cut to its largest unit.
    package static func duration(milliseconds: UInt64) -> String {
        let seconds = milliseconds / 1000 + (milliseconds % 1000 >= 500 ? 1 : 0)
        let units: [(seconds: UInt64, name: String)] = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")]
        guard let unit = units.first(where: { seconds >= $0.seconds }) else { return "less than a second" }
        let count = seconds / unit.seconds
        return "\(count) \(unit.name)\(count == 1 ? "" : "s")"
    }
}

extension ModelStatus {
    /// Until when it stays in memory: "4 minutes from now", "for ever".
    package var until: String {
        if keptForEver { return "for ever" }
        if untilMilliseconds == 0 { return calls > 0 ? "its calls end" : "now" }
        return "\(Amount.duration(milliseconds: untilMilliseconds)) from now"
    }

    /// What `dseg warm` says of it.
    package var warmth: String {
        let stay =
            if keptForEver {
                "for ever"
            } else {
                untilMilliseconds == 0 ? "for as long as calls use it" : "until \(until)"
            }
        return "\(name) is loaded, \(Amount.bytes(bytes)), \(stay)"
    }

    /// Whether it answers, and is no network beside one that does.
    var isSegmenter: Bool { role.isEmpty || ExactString(role) == "segmenter" }
}

extension Refusal {
    /// Why, in a line for who waits.
    package var told: String {
        switch reason {
        case .queueFull: "the queue is full" + (queuePosition.map { ", \($0) before you" } ?? "")
        case .displaced: "the queue is full, and another user's turn came before yours"
        case .openCalls: "as many calls are open on this connection as may be"
        case .connections: "the daemon has no place for another connection"
        case .incomingBytes: "the daemon has no room for another picture"
        case .answerBytes: "the daemon has no room for another answer"
        case .memory: "the models in use leave no room for this one"
        case .stopping: "the daemon stops"
        }
    }
}

extension UnloadReply {
    /// A line for each model that is let go of.
    package var lines: [String] {
        unloaded.map { "\($0) is unloaded" } + inUse.map { "\($0) is in use, and goes as soon as its calls have ended" }
    }
}

extension Loading {
    /// How far it is, in a column.
    var short: String {
        switch stage {
        case .waiting: "waiting"
        case .opening: "opening"
        case .reading: "loading \(percent) %"
        }
    }

    /// How far it is, in a line.
    var long: String {
        switch stage {
        case .waiting: "waiting for memory, or another model, to load \(model)"
        case .opening: "opening \(model)"
        case .reading where totalBytes == 0: "loading \(model)"
        case .reading: "loading \(model)  \(percent) %  \(Amount.bytes(bytes, of: totalBytes))"
        }
    }
}
